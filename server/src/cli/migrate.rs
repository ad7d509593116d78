//! `inkfast migrate`

use std::error::Error;

use clap::Subcommand;
use resilient_db::{Db, Options, Policy};

use super::{Failed, OnDatabase};
use crate::backup::BackedUp;
use crate::database::Access;
use crate::report;

#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Run what is missing. `serve` does this by itself.
    Up,
    /// Undo the last steps, with everything in their tables: accounts, histories, and what is known of saves.
    /// No Inkfast may be running on this database.
    Down {
        /// The last step to keep; 0 keeps none.
        #[arg(long)]
        to: i64,
        /// Yes, throw away what is in these tables.
        #[arg(long)]
        yes: bool,
    },
    /// Say which steps this database has. Changes nothing.
    Status,
}

impl OnDatabase for MigrateCommand {
    async fn run<D: BackedUp>(self, options: Options<D::Database>) -> Result<(), Failed> {
        let db = Db::<D::Database>::connect_lazily(options.clone(), Policy::default()).await;
        let failed = |error: &dyn Error| format!("The database did not do it: {}.", report::chain(error));
        match self {
            Self::Up => D::migrate(&options).await.map_err(|error| failed(&error))?,
            Self::Down { to, yes } => {
                let steps = D::steps(&Access::One(&db)).await.map_err(|error| failed(&error))?;
                let undone = steps.iter().filter(|step| step.applied && step.number > to);
                let undone: Vec<String> = undone.map(|step| format!("{} ({})", step.number, step.name)).collect();
                if undone.is_empty() {
                    println!("There is nothing to undo.");
                    return Ok(());
                }
                if !yes {
                    return Err(format!(
                        "This would undo {} and throw away what is in these tables. Say --yes if that is meant.",
                        undone.join(", ")
                    )
                    .into());
                }
                D::revert(&options, to).await.map_err(|error| failed(&error))?;
            }
            Self::Status => {}
        }
        for step in D::steps(&Access::One(&db)).await.map_err(|error| failed(&error))? {
            let state = if step.applied { "applied" } else { "missing" };
            println!("{:>4}  {state}  {}", step.number, step.name);
        }
        Ok(())
    }
}
