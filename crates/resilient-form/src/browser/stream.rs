//! The server's event stream: read by one tab for all of this browser and account.
//!
//! The tab that holds the lock reads it and passes on what it hears. Another takes the lock over when
//! that tab is gone, which the browser sees, or says nothing though the server answers: then it is frozen.
//! Without locks each visible tab reads for itself.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use resilient_core::collections::{BTreeMap, BTreeSet};
use resilient_core::connection::Event;
use web_sys::{BroadcastChannel, Event as DomEvent, EventSource, MessageEvent};

use super::connection::{FORM, Request, encode, with_query};
use super::dom::{document, is_hidden, listen, window};
use super::task::spawn;
use super::timer::sleep;
use super::{addresses, dom, form, locks, others, random, status};
use crate::json::{Fields, Json};
use crate::reply;

const NAMES: [&str; 6] = ["hello", "tick", "status", "record", "submission", "presence"];
/// Between tabs: a new tab asks for what was said before it came, each tells what it has open, and that
/// it has not any more.
const JOIN: &str = "join";
const OPEN: &str = "open";
const SHUT: &str = "shut";
/// A tab tells what it has open with every other tick, and is believed for this many.
const BELIEVED_FOR: u32 = 5;
/// A silent leader may be at it already: that is waited for, each tab a little differently.
const TAKE_OVER_AFTER_MS: u64 = 200;
const TAKE_OVER_SPREAD_MS: u64 = 500;
const LIMIT: Duration = Duration::from_secs(5);

thread_local! {
    static TAB: RefCell<Option<Rc<Tab>>> = const { RefCell::new(None) };
}

struct Tab {
    account: String,
    /// Of the stream.
    url: String,
    /// To the other tabs; `None` where each reads for itself.
    channel: Option<BroadcastChannel>,
    source: RefCell<Option<EventSource>>,
    leads: Cell<bool>,
    /// Waits for the lock.
    in_line: Cell<bool>,
    ticks: Cell<u32>,
    /// Of the leader: what the server calls this stream, what it was last told, what the tabs have
    /// open and when they said so, and what a new tab has to know.
    token: RefCell<String>,
    told: RefCell<BTreeSet<String>>,
    open: RefCell<BTreeMap<String, u32>>,
    kept: RefCell<BTreeMap<String, String>>,
}

/// Begins to listen for the account of this page.
pub fn start() {
    let (Some(account), Some(url)) = (dom::account(), addresses::events()) else {
        return;
    };
    let shared = locks::are_there();
    let channel = BroadcastChannel::new(&lock_name(&account)).ok().filter(|_| shared);
    let tab = Rc::new(Tab {
        account,
        url,
        channel,
        source: RefCell::default(),
        leads: Cell::new(false),
        in_line: Cell::new(false),
        ticks: Cell::new(0),
        token: RefCell::default(),
        told: RefCell::default(),
        open: RefCell::default(),
        kept: RefCell::default(),
    });
    TAB.set(Some(Rc::clone(&tab)));
    if let Some(channel) = &tab.channel {
        let own = Rc::clone(&tab);
        listen(channel, "message", move |message: MessageEvent| {
            if let Some(said) = message.data().as_string() {
                own.heard_a_tab(&said);
            }
        });
        tab.say(JOIN, "");
        tab.say_what_is_open();
        let own = Rc::clone(&tab);
        listen(&window(), "pagehide", move |_: DomEvent| {
            own.say(SHUT, &others::open_record().unwrap_or_default());
        });
        tab.stand_in_line();
    } else {
        let own = Rc::clone(&tab);
        listen(&document(), "visibilitychange", move |_: DomEvent| {
            own.read_while_visible()
        });
        tab.read_while_visible();
    }
}

/// The server answers and the stream says nothing.
pub fn begin() {
    let Some(tab) = TAB.with_borrow(Clone::clone) else {
        return;
    };
    if tab.leads.get() || tab.channel.is_none() {
        return tab.read();
    }
    spawn(async move {
        let spread = random::bits() as u64 % TAKE_OVER_SPREAD_MS;
        sleep(Duration::from_millis(TAKE_OVER_AFTER_MS + spread)).await;
        if !status::hears_the_stream() && !tab.leads.get() {
            tab.hold_the_lock(true).await;
        }
    });
}

fn lock_name(account: &str) -> String {
    ["inkfast:events:", account].concat()
}

impl Tab {
    fn stand_in_line(self: &Rc<Self>) {
        if !self.in_line.replace(true) {
            spawn(Rc::clone(self).hold_the_lock(false));
        }
    }

    async fn hold_the_lock(self: Rc<Self>, steal: bool) {
        let own = Rc::clone(&self);
        let held = move || {
            if !steal {
                own.in_line.set(false);
            }
            if !own.leads.replace(true) {
                own.read();
            }
        };
        locks::hold(&lock_name(&self.account), steal, held).await;
        // Another tab has taken it.
        self.leads.set(false);
        self.stop_reading();
        self.stand_in_line();
    }

    fn read_while_visible(self: &Rc<Self>) {
        if is_hidden() {
            self.stop_reading();
        } else if self.source.borrow().is_none() {
            self.read();
        }
    }

    fn read(self: &Rc<Self>) {
        self.stop_reading();
        let Ok(source) = EventSource::new(&with_query(&self.url, "account", &self.account)) else {
            return;
        };
        for name in NAMES {
            let own = Rc::clone(self);
            listen(&source, name, move |message: MessageEvent| {
                own.heard_the_server(name, &message.data().as_string().unwrap_or_default());
            });
        }
        // Whether the browser tries again by itself or not: a visible page probes, and begins anew.
        listen(&source, "error", |_: DomEvent| status::tell(Event::StreamEnded));
        self.source.replace(Some(source));
    }

    fn stop_reading(&self) {
        if let Some(source) = self.source.take() {
            source.close();
        }
    }

    fn heard_the_server(self: &Rc<Self>, name: &'static str, data: &str) {
        match name {
            "hello" => {
                self.token.replace(read(data).text("stream").unwrap_or_default());
                self.told.take();
                self.kept.take();
            }
            "status" => self.keep(name, data),
            "presence" => self.keep(&record_of(&mut read(data)), data),
            _ => {}
        }
        self.say(name, data);
        self.heard(name, data);
        if matches!(name, "hello" | "tick") {
            self.tell_what_is_open();
        }
    }

    fn keep(&self, about: &str, data: &str) {
        self.kept.borrow_mut().insert(about.to_owned(), data.to_owned());
    }

    fn heard_a_tab(self: &Rc<Self>, said: &str) {
        let (name, data) = said.split_once(' ').unwrap_or((said, ""));
        match name {
            JOIN | OPEN | SHUT if !self.leads.get() => {}
            JOIN => {
                for (about, data) in self.kept.borrow().iter() {
                    self.say(if about == "status" { about } else { "presence" }, data);
                }
            }
            OPEN => drop(self.open.borrow_mut().insert(data.to_owned(), self.ticks.get())),
            // Another tab may have it too, and says so soon.
            SHUT => {
                if let Some(at) = self.open.borrow_mut().get_mut(data) {
                    *at = self.ticks.get().saturating_sub(BELIEVED_FOR - 2);
                }
            }
            _ => {
                self.heard(name, data);
                if name == "tick" && self.ticks.get().is_multiple_of(2) {
                    self.say_what_is_open();
                }
            }
        }
    }

    /// What every tab does about it.
    fn heard(&self, name: &str, data: &str) {
        if name == "tick" {
            self.ticks.set(self.ticks.get().wrapping_add(1));
        }
        let mut said = read(data);
        status::tell(if name == "status" {
            Event::Told(reply::report(&mut said, "drafts"))
        } else {
            Event::Ticked
        });
        match name {
            // Another script offers to load a newer one.
            "hello" => dom::mark_page("data-server-build", &said.text("build").unwrap_or_default()),
            "record" => {
                let [by, id] = ["by", "id"].map(|part| said.text(part).unwrap_or_default());
                others::saved(&record_of(&mut said), &by, &id);
            }
            "presence" => {
                let who = said.list_or_none("who").unwrap_or_default();
                let who: Vec<String> = who.into_iter().filter_map(Json::text).collect();
                others::present(&record_of(&mut said), &who);
            }
            "submission" if said.text("outcome").as_deref() == Some("saved") => {
                form::was_saved(&said.text("id").unwrap_or_default());
            }
            _ => {}
        }
    }

    fn say(&self, name: &str, data: &str) {
        if let Some(channel) = &self.channel {
            let _ = channel.post_message(&[name, " ", data].concat().into());
        }
    }

    fn say_what_is_open(&self) {
        if let Some(record) = others::open_record() {
            self.say(OPEN, &record);
        }
    }

    /// Tells the server what the tabs of this browser have open, where that has changed.
    fn tell_what_is_open(self: &Rc<Self>) {
        let now = self.ticks.get();
        let mut open = self.open.borrow_mut();
        open.retain(|_, at| now.saturating_sub(*at) < BELIEVED_FOR);
        let all: BTreeSet<String> = open.keys().cloned().chain(others::open_record()).collect();
        drop(open);
        let stream = self.token.borrow().clone();
        if stream.is_empty() || *self.told.borrow() == all {
            return;
        }
        self.told.replace(all.clone());
        let named = all.into_iter().map(|record| (OPEN.to_owned(), record));
        let body = encode(
            &[("stream".to_owned(), stream)]
                .into_iter()
                .chain(named)
                .collect::<Vec<_>>(),
        );
        let (tab, url) = (
            Rc::clone(self),
            with_query(&addresses::presence(), "account", &self.account),
        );
        spawn(async move {
            let request = Request {
                method: "POST",
                url: &url,
                body: Some((FORM, body)),
                limit: LIMIT,
            };
            if request.send().await.is_none_or(|reply| reply.status != 200) {
                tab.told.take();
            }
        });
    }
}

/// The form key of a record that an event is about.
fn record_of(said: &mut Fields) -> String {
    let [table, key] = ["table", "key"].map(|part| said.text(part).unwrap_or_default());
    [&table, "/", &key].concat()
}

/// What cannot be read has nothing in it.
fn read(data: &str) -> Fields {
    Json::read(data).and_then(Json::object).unwrap_or_default()
}
