//! What open pages are told while they are open: `GET /events`.
//!
//! The hub knows streams and what each has open; it knows neither HTTP nor rights. Whoever reads a
//! stream asks again, before each message, whether its account may still hear it.

mod condition;
mod hub;
mod message;
mod places;
mod presence;

pub use self::condition::{follow, message as condition_message};
pub use self::hub::{Hub, Refused, Subscription};
pub use self::message::Message;
pub use self::places::{Place, Places};
