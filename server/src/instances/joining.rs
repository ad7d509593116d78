//! Two tasks: one says what this server has to tell, one listens to the others. They end with the hub.

use std::sync::{Arc, Weak};
use std::time::Duration;

use resilient_drafts::redis::{Address, Channel, Heard};
use resilient_drafts::{Sealer, StoreError};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::hearing::Hearing;
use super::settling::Settling;
use super::told::{Envelope, Told};
use crate::auth::service::Auth;
use crate::clock::now_ms;
use crate::drafts::DraftService;
use crate::events::{Hub, Place};
use crate::keys::Keys;

/// One for all who use this Redis: only servers that know each other's secret understand each other, also while it is
/// being changed.
const CHANNEL: &str = "inkfast:1:told";
/// How often what is open is said anew: others may have missed it, or have come since.
const PRESENT_EVERY: Duration = Duration::from_secs(2);
const LOOK_FOR_SILENCE_EVERY: Duration = Duration::from_secs(1);
/// Sessions in one message.
const ENDED_AT_ONCE: usize = 500;
/// Accounts in one message.
const WAITING_NAMED: usize = 200;

/// Begins to tell what `waiting` has, and to hear the others; Redis need not be there.
///
/// # Errors
/// Where the address asks for what this client cannot do.
pub fn join(
    address: &Address,
    keys: &Keys,
    (hub, auth, drafts): (&Arc<Hub>, &Arc<Auth>, &Arc<DraftService>),
    waiting: mpsc::Receiver<Told>,
) -> Result<(), StoreError> {
    let (channel, heard) = Channel::open(address, CHANNEL)?;
    let me = uuid::Uuid::new_v4().simple().to_string();
    let (connected, newcomer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let speaking = Speaking {
        me: me.clone(),
        number: 0,
        sealer: keys.instances.clone(),
        channel,
        hub: Arc::downgrade(hub),
        auth: Arc::downgrade(auth),
        drafts: Arc::downgrade(drafts),
    };
    let listening = Listening {
        me,
        sealer: keys.instances.clone(),
        hub: Arc::downgrade(hub),
        auth: Arc::downgrade(auth),
        drafts: Arc::downgrade(drafts),
        hearing: Hearing::default(),
        connected: Arc::clone(&connected),
        newcomer: Arc::clone(&newcomer),
    };
    let bells = Bells {
        moved: hub.moved(),
        spilled: drafts.waiting_changed(),
        connected,
        newcomer,
    };
    tokio::spawn(speaking.run(waiting, bells));
    tokio::spawn(listening.run(heard));
    Ok(())
}

/// What makes it speak before its time.
struct Bells {
    /// Pages were opened or closed.
    moved: Arc<Notify>,
    /// Other unsaved work waits here than before.
    spilled: Arc<Notify>,
    connected: Arc<Notify>,
    /// Another server has connected, perhaps after this one had told everybody.
    newcomer: Arc<Notify>,
}

struct Speaking {
    me: String,
    number: u64,
    sealer: Sealer,
    channel: Channel,
    hub: Weak<Hub>,
    auth: Weak<Auth>,
    drafts: Weak<DraftService>,
}

impl Speaking {
    async fn run(mut self, mut waiting: mpsc::Receiver<Told>, bells: Bells) {
        let mut beats = interval(PRESENT_EVERY);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // While pages come and go, the rest is told all the same.
        let mut settling = Settling::default();
        loop {
            tokio::select! {
                told = waiting.recv() => match told {
                    Some(told) => self.say(told),
                    None => return,
                },
                () = bells.moved.notified() => settling.changed(Instant::now()),
                () = bells.spilled.notified() => settling.changed(Instant::now()),
                () = settling.is_due() => {
                    settling.told();
                    self.say_what_is_here();
                }
                () = bells.connected.notified() => {
                    self.say(Told::Listening);
                    self.say_what_ended();
                    self.say_what_is_here();
                }
                () = bells.newcomer.notified() => {
                    self.say_what_ended();
                    self.say_what_is_here();
                }
                _ = beats.tick() => self.say_what_is_here(),
            }
        }
    }

    fn say_what_is_here(&mut self) {
        if let Some(hub) = self.hub.upgrade() {
            let places = hub.present_here();
            self.say(Told::Present { places });
        }
        if let Some(drafts) = self.drafts.upgrade() {
            let waiting = drafts.waiting_accounts();
            let and_others = waiting.len() > WAITING_NAMED;
            let accounts = waiting.into_iter().take(WAITING_NAMED).collect();
            self.say(Told::Waiting { accounts, and_others });
        }
    }

    /// Others may not have heard it, and may not have the database.
    fn say_what_ended(&mut self) {
        let Some(auth) = self.auth.upgrade() else { return };
        let ended: Vec<(String, u64)> = auth.directory.ended(now_ms()).into_iter().collect();
        for some in ended.chunks(ENDED_AT_ONCE) {
            let sessions = some.iter().cloned().collect();
            self.say(Told::Ended { sessions });
        }
    }

    fn say(&mut self, told: Told) {
        self.number += 1;
        let envelope = Envelope {
            from: self.me.clone(),
            number: self.number,
            at_ms: now_ms(),
            told,
        };
        if !envelope
            .seal(&self.sealer)
            .is_some_and(|sealed| self.channel.say(sealed))
        {
            tracing::trace!("the other servers were not told");
        }
    }
}

struct Listening {
    me: String,
    sealer: Sealer,
    hub: Weak<Hub>,
    auth: Weak<Auth>,
    drafts: Weak<DraftService>,
    hearing: Hearing,
    connected: Arc<Notify>,
    newcomer: Arc<Notify>,
}

impl Listening {
    async fn run(mut self, mut heard: mpsc::Receiver<Heard>) {
        let mut looks = interval(LOOK_FOR_SILENCE_EVERY);
        loop {
            tokio::select! {
                heard = heard.recv() => match heard {
                    Some(Heard::Connected) => self.connected.notify_one(),
                    Some(Heard::Lost) => tracing::debug!("the other servers are not heard now"),
                    Some(Heard::Message(message)) => self.hear(&message).await,
                    None => return,
                },
                _ = looks.tick() => self.look_for_silence(),
            }
        }
    }

    async fn hear(&mut self, message: &str) {
        // Nobody but servers of the same secret can say anything here.
        let Some(envelope) = Envelope::open(&self.sealer, message) else {
            tracing::debug!("something was said to the servers that none of them has said");
            return;
        };
        if envelope.from == self.me || !self.hearing.admits(&envelope, now_ms()) {
            return;
        }
        let parts = (self.hub.upgrade(), self.auth.upgrade(), self.drafts.upgrade());
        let (Some(hub), Some(auth), Some(drafts)) = parts else {
            return;
        };
        match envelope.told {
            Told::Saved {
                table,
                key,
                by,
                submission,
            } => {
                if let Some(place) = Place::read(&format!("{table}/{key}")) {
                    hub.saved_elsewhere(&place, &by, &submission);
                }
            }
            Told::Answered {
                account,
                submission,
                outcome,
            } => hub.answered_elsewhere(&account, &submission, outcome),
            Told::Present { places } => hub.present_elsewhere(&envelope.from, places),
            Told::Waiting { accounts, and_others } => drafts.waits_elsewhere(&envelope.from, accounts, and_others),
            Told::Listening => self.newcomer.notify_one(),
            Told::Gone => hub.present_elsewhere(&envelope.from, Vec::new()),
            Told::Ended { sessions } => auth.ended_elsewhere(sessions).await,
            Told::Accounts { store, changed } => auth.changed_elsewhere(&store, changed).await,
        }
    }

    fn look_for_silence(&mut self) {
        for gone in self.hearing.fallen_silent(now_ms()) {
            if let Some(hub) = self.hub.upgrade() {
                hub.present_elsewhere(&gone, Vec::new());
            }
        }
    }
}
