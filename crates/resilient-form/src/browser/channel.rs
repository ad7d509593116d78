//! What the tabs of one browser tell each other: a topic and a few words, heard by all others that are open
//! now. Where the browser has no channel nobody hears anything.

use std::cell::OnceCell;

use web_sys::{BroadcastChannel, MessageEvent};

use super::dom::listen;

const NAME: &str = "inkfast:1";

thread_local! {
    static CHANNEL: OnceCell<Option<BroadcastChannel>> = const { OnceCell::new() };
}

fn channel() -> Option<BroadcastChannel> {
    CHANNEL.with(|channel| channel.get_or_init(|| BroadcastChannel::new(NAME).ok()).clone())
}

/// Tells all other tabs.
pub fn tell(topic: &str, words: &str) {
    if let Some(channel) = channel() {
        let _ = channel.post_message(&[topic, words].join("\n").into());
    }
}

/// Hears what other tabs tell of a topic, for the rest of the page's life.
pub fn hear(topic: &'static str, mut heard: impl FnMut(&str) + 'static) {
    let Some(channel) = channel() else { return };
    listen(&channel, "message", move |event: MessageEvent| {
        let message = event.data().as_string().unwrap_or_default();
        if let Some((_, words)) = message.split_once('\n').filter(|(of, _)| *of == topic) {
            heard(words);
        }
    });
}
