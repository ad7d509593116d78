//! Line icons, 16 units wide, drawn in the colour of the text around them. Words stand beside each.

use leptos::prelude::*;

/// By name; an unknown name draws nothing.
pub fn icon(name: &'static str) -> AnyView {
    let path = match name {
        "arrow" => "M6 4l4 4-4 4",
        "back" => "M10 4L6 8l4 4",
        "menu" => "M2 4h12M2 8h12M2 12h12",
        "search" => "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM11 11l3 3",
        "plus" => "M8 3v10M3 8h10",
        "check" => "M3 8.5l3.2 3L13 4.5",
        "close" => "M4 4l8 8M12 4l-8 8",
        "alert" => "M8 2.5L14.5 13.5h-13zM8 6.5v3.2M8 11.6v.2",
        "clock" => "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.5V8l2.3 1.8",
        "draft" => "M3 13l.7-3L11 2.7l2.3 2.3L6 12.3zM9.5 4.2l2.3 2.3",
        "up" => "M4 10l4-4 4 4",
        "down" => "M4 6l4 4 4-4",
        "lock" => "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
        "filter" => "M2 3.5h12L9.5 9v4l-3-1.5V9z",
        _ => return ().into_any(),
    };
    view! {
        <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            <path d=path fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"></path>
        </svg>
    }
    .into_any()
}
