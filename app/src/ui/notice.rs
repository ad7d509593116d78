//! A banner: an icon and words, and what can be done about it.

use leptos::prelude::*;

use super::icon::icon;

/// What a banner means; never told by its colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Waiting,
    Attention,
    Failure,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "notice notice-good",
            Self::Waiting => "notice notice-waiting",
            Self::Attention => "notice notice-attention",
            Self::Failure => "notice notice-failure",
        }
    }

    fn icon(self) -> &'static str {
        match self {
            Self::Good => "check",
            Self::Waiting => "clock",
            Self::Attention => "draft",
            Self::Failure => "alert",
        }
    }
}

/// `body` follows the heading; either may be empty.
pub fn notice(tone: Tone, heading: impl Into<String>, body: impl IntoView + 'static) -> AnyView {
    let heading = heading.into();
    view! {
        <div class=tone.class()>
            {icon(tone.icon())}
            <div class="notice-body">
                {(!heading.is_empty()).then(|| view! { <p class="notice-heading">{heading}</p> })}
                {body.into_any()}
            </div>
        </div>
    }
    .into_any()
}
