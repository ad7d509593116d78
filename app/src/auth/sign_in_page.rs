//! The sign-in page. A form body that was posted by somebody no longer signed in goes through it.

use leptos::prelude::*;
use leptos_meta::Title;
use resilient_form::SIGNING_IN;

use crate::ui::inline_script::inline_script;
use crate::ui::layout::{brand_mark, reading_style};
use crate::ui::notice::{Tone, notice};
use crate::ui::page_request::SignIn;

/// In front of the names of controls that are carried through, so that none is taken for the sign-in's own.
pub const CARRIED: &str = "carried.";

/// `/login`
#[component]
pub fn SignInPage() -> impl IntoView {
    let sign_in = use_context::<Option<SignIn>>().flatten().unwrap_or_default();
    view! {
        <Title text="Sign in – Inkfast" />
        {reading_style()}
        {inline_script("signing_in.js", SIGNING_IN)}
        {sign_in_view(&sign_in)}
    }
}

fn sign_in_view(sign_in: &SignIn) -> AnyView {
    let carried = sign_in.carried.iter().map(|(name, value)| {
        view! { <input type="hidden" name=format!("{CARRIED}{name}") value=value.clone() autocomplete="off" /> }
    });
    let carried = carried.collect_view();
    let failed = sign_in.message.is_some();
    view! {
        <main class="sign-in">
            <div class="sign-in-brand">{brand_mark()} <span>"Inkfast"</span></div>
            <form method="post" action="/login" class="sign-in-card">
                <h1>"Sign in"</h1>
                {(!sign_in.carried.is_empty()).then(|| notice(
                    Tone::Attention,
                    "What you typed is kept on this page.",
                    view! { <p>"It will be saved as soon as you have signed in."</p> },
                ))}
                {sign_in.message.clone().map(|message| view! {
                    <div id="sign-in-message" role="alert">{notice(Tone::Failure, message, ())}</div>
                })}
                <div class="field">
                    <div class="field-head"><label for="username">"Name"</label></div>
                    <input
                        id="username"
                        name="username"
                        type="text"
                        value=sign_in.username.clone()
                        autocomplete="username"
                        autocapitalize="none"
                        spellcheck="false"
                        autofocus=sign_in.username.is_empty()
                        aria-describedby=failed.then_some("sign-in-message")
                    />
                </div>
                <div class="field">
                    <div class="field-head"><label for="password">"Password"</label></div>
                    <input
                        id="password"
                        name="password"
                        type="password"
                        autocomplete="current-password"
                        autofocus=!sign_in.username.is_empty()
                        aria-describedby=failed.then_some("sign-in-message")
                    />
                </div>
                <input type="hidden" name="next" value=sign_in.next.clone() autocomplete="off" />
                {carried}
                <button type="submit" class="button button-primary button-wide">"Sign in"</button>
            </form>
        </main>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(sign_in: &SignIn) -> String {
        Owner::new().with(|| sign_in_view(sign_in).to_html())
    }

    #[test]
    fn what_was_posted_goes_through_the_sign_in() {
        let carried = vec![("v.note".to_owned(), "\"><b>".to_owned())];
        let html = html(&SignIn {
            carried,
            next: "/records/site/7".into(),
            ..SignIn::default()
        });
        assert!(
            html.contains(r#"name="carried.v.note" value="&quot;&gt;&lt;b&gt;""#),
            "{html}"
        );
        assert!(!html.contains("<b>"), "{html}");
        assert!(html.contains(r#"name="next" value="/records/site/7""#), "{html}");
    }

    #[test]
    fn a_password_is_never_drawn_back() {
        let html = html(&SignIn {
            username: "admin".into(),
            message: Some("No.".into()),
            ..SignIn::default()
        });
        let password = html
            .split("id=\"password\"")
            .nth(1)
            .and_then(|rest| rest.split('>').next())
            .unwrap_or_default();
        assert!(!password.contains("value"), "{password}");
        assert!(html.contains(r#"value="admin""#), "{html}");
    }
}
