//! `inkfast account add|password|role|disable|sign-out|remove NAME`

use std::io::IsTerminal;

use app::auth::model::Role;
use clap::{Args, Subcommand};
use resilient_db::{Db, DbError, Options, Policy};

use super::{Failed, OnDatabase};
use crate::auth::password::{Passwords, random_password};
use crate::auth::repository::{AccountRepository, AccountStore, Adding, Removing};
use crate::backup::BackedUp;
use crate::clock::now_ms;
use crate::records::save::IDS_FORGOTTEN_MS;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Add an account.
    Add {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        may: May,
    },
    /// Give an account another role and end every session of it.
    Role {
        name: String,
        #[command(flatten)]
        may: May,
    },
    /// Set a password and end every session of the account.
    Password {
        #[command(flatten)]
        who: Who,
    },
    /// Switch an account off and end every session of it.
    Disable { name: String },
    /// End every session of an account.
    SignOut { name: String },
    /// Remove an account, and with it its sessions and all it has typed and not saved. What it has saved stays, and so do
    /// the histories. For 48 days nobody else can have the name. The last superuser stays.
    Remove {
        name: String,
        /// Do it; without this it is only said what would go.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub struct May {
    /// superuser (everything), staff (records, and watches over the server), editor (records) or viewer (reads)
    #[arg(long, value_parser = role)]
    role: Role,
}

fn role(name: &str) -> Result<Role, String> {
    Role::from_name(name).ok_or_else(|| format!("it takes {}", Role::ALL.map(Role::name).join(", ")))
}

#[derive(Debug, Args)]
pub struct Who {
    name: String,
    /// Read the password from standard input; otherwise one is made and printed.
    #[arg(long)]
    password_stdin: bool,
}

impl OnDatabase for AccountCommand {
    async fn run<D: BackedUp>(self, options: Options<D::Database>) -> Result<(), Failed> {
        D::migrate(&options)
            .await
            .map_err(|error| format!("The database cannot be used: {error}."))?;
        let db = Db::<D::Database>::connect_lazily(options, Policy::default()).await;
        let accounts = AccountRepository::<D>::new(db.into());
        let mut made = None;
        let done = match &self {
            AccountCommand::Add { who, may } => {
                check_name(&who.name)?;
                let hash = Passwords::new().hash(password(who, &mut made)?).await;
                let added = accounts.add(&who.name, &hash, may.role).await;
                added.map(|adding| not_added(adding, now_ms()))
            }
            AccountCommand::Password { who } => {
                let hash = Passwords::new().hash(password(who, &mut made)?).await;
                accounts.set_password(&who.name, &hash).await.map(no_such_account)
            }
            AccountCommand::Role { name, may } => accounts.set_role(name, may.role).await.map(no_such_account),
            AccountCommand::Disable { name } => accounts.disable(name).await.map(no_such_account),
            AccountCommand::SignOut { name } => accounts.sign_out_everywhere(name).await.map(no_such_account),
            AccountCommand::Remove { name, yes: false } => {
                return Err(format!(
                    "This removes `{name}`, its sessions and all it has typed and not saved; what it has saved stays, and so \
                     do the histories. To do it, say --yes."
                )
                .into());
            }
            AccountCommand::Remove { name, yes: true } => accounts.remove(name, now_ms()).await.map(not_removed),
        };
        match done.map_err(|error: DbError| format!("The database did not do it: {error}."))? {
            None => {
                if let Some((name, password)) = made {
                    println!("The password of `{name}` is {password} (told only this once).");
                }
                Ok(())
            }
            Some(why) => Err(why.into()),
        }
    }
}

fn no_such_account(done: bool) -> Option<String> {
    (!done).then(|| "There is no such account.".to_owned())
}

fn not_added(adding: Adding, now_ms: u64) -> Option<String> {
    match adding {
        Adding::Added => None,
        Adding::Taken => Some("There is such an account already.".to_owned()),
        Adding::Rests { removed_at_ms } => {
            let free_at_ms = removed_at_ms + IDS_FORGOTTEN_MS;
            let days = free_at_ms.saturating_sub(now_ms).div_ceil(DAY_MS).max(1);
            Some(format!(
                "An account of this name was removed, and a server that was away may still have what it has typed and not \
                 saved: nobody else is to be shown that. The name is free again in {days} days; take another one."
            ))
        }
    }
}

fn not_removed(removing: Removing) -> Option<String> {
    match removing {
        Removing::Removed => None,
        Removing::NoSuchAccount => Some("There is no such account.".to_owned()),
        Removing::LastSuperuser => Some(
            "This is the last superuser that is not switched off: without one, nobody may do everything. Add another one \
             first."
                .to_owned(),
        ),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let fits =
        (1..=64).contains(&name.chars().count()) && !name.chars().any(|char| char.is_control() || char.is_whitespace());
    if fits {
        Ok(())
    } else {
        Err("A name has 1 to 64 characters and no spaces.".to_owned())
    }
}

/// The typed password, or a made one, which is told once it counts.
fn password(who: &Who, made: &mut Option<(String, String)>) -> Result<String, String> {
    if who.password_stdin {
        return typed_password();
    }
    let (_, password) = made.insert((who.name.clone(), random_password()));
    Ok(password.clone())
}

fn typed_password() -> Result<String, String> {
    if std::io::stdin().is_terminal() {
        eprint!("Password: ");
    }
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| error.to_string())?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.chars().count() < 8 {
        Err("A password has at least 8 characters.".to_owned())
    } else {
        Ok(password)
    }
}
