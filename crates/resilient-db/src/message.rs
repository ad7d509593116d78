//! What to tell people of a failure. Never in the driver's words: those are for the log.

use resilient_core::failure::{Action, Kind, Outcome};

use crate::error::{ConstraintKind, DbError};

/// One of few things there are to say. [`text`](Self::text) says it in English.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A value breaks a rule of its column.
    CheckFields,
    /// Another row has this value already.
    TakenValue,
    /// Another row refers to this one, or the one that this refers to is gone.
    MissingReference,
    /// Somebody else holds the same row, or the server has no room.
    Busy,
    Unreachable,
    /// It may have been saved.
    BeingLookedInto,
    SwitchedOff,
    /// Comes with an id under which the log has the rest.
    OurFault,
    TookTooLong,
    /// There is no such row.
    NotFound,
}

impl Message {
    pub fn text(self) -> &'static str {
        match self {
            Self::CheckFields => "Please check the marked fields.",
            Self::TakenValue => "This value is already in use.",
            Self::MissingReference => {
                "This entry is still used elsewhere and cannot be removed, or the selected entry no longer exists."
            }
            Self::Busy => "The system is busy. Your input is kept and will be sent again automatically.",
            Self::Unreachable => {
                "The database cannot be reached. Your input is kept safely; it will be submitted as soon as the connection is back."
            }
            Self::BeingLookedInto => "We are checking whether your change was saved. Please do not enter it again.",
            Self::SwitchedOff => {
                "Changes are switched off for the moment (maintenance). You can read and keep writing drafts."
            }
            Self::OurFault => "Something went wrong on our side. Your input is kept.",
            Self::TookTooLong => "The request took too long and was stopped. Please narrow it down.",
            Self::NotFound => "There is no such entry.",
        }
    }
}

impl DbError {
    /// What people are told. That something may have been saved goes before all else, and a defect of
    /// ours is never put down to the database.
    pub fn message(&self) -> Message {
        let class = &self.class;
        if class.outcome == Outcome::Unknown {
            return Message::BeingLookedInto;
        }
        if class.action == Action::Report {
            return Message::OurFault;
        }
        match class.kind {
            Kind::Constraint => match self.constraint.as_ref().map(|constraint| constraint.kind) {
                Some(ConstraintKind::Unique) => Message::TakenValue,
                Some(ConstraintKind::ForeignKey) => Message::MissingReference,
                _ => Message::CheckFields,
            },
            Kind::BadValue => Message::CheckFields,
            Kind::Absent => Message::NotFound,
            Kind::Busy | Kind::Contention => Message::Busy,
            Kind::Unreachable | Kind::Misconfigured | Kind::Closing => Message::Unreachable,
            Kind::ReadOnly | Kind::Damaged => Message::SwitchedOff,
            Kind::TimedOut => Message::TookTooLong,
            Kind::Defect => Message::OurFault,
        }
    }
}
