//! Which packages are built together, and with which features.
//!
//! Never all of them: a workspace build would turn `ssr` and `hydrate` on together, and a browser call then panics on
//! the server.

use anyhow::Result;

use crate::workspace::Workspace;

/// Packages that cargo may unite in one build.
pub struct Packages {
    names: Vec<String>,
    feature: &'static str,
}

/// Those that are compiled for both sides and choose by a feature.
const TWO_SIDED: [&str; 2] = ["app", "resilient-form"];

impl Packages {
    /// All but `frontend`, which only the browser runs.
    pub fn native(workspace: &Workspace) -> Result<Packages> {
        let told = workspace.packages()?;
        let names = told.iter().filter_map(|package| package["name"].as_str());
        Ok(Packages {
            names: names.filter(|name| *name != "frontend").map(str::to_owned).collect(),
            feature: "ssr",
        })
    }

    /// The browser's own crate and what it shares with the server.
    pub fn browser() -> Packages {
        let names = ["frontend", "notes", "resilient-form", "resilient-core", "device-cipher"];
        Packages {
            names: names.map(str::to_owned).to_vec(),
            feature: "hydrate",
        }
    }

    /// The words that tell cargo.
    pub fn selection(&self) -> Vec<String> {
        let named = self
            .names
            .iter()
            .flat_map(|name| ["--package".to_owned(), name.clone()]);
        let sided = TWO_SIDED
            .iter()
            .filter(|name| self.names.iter().any(|own| own == *name));
        let featured = sided.flat_map(|name| ["--features".to_owned(), format!("{name}/{}", self.feature)]);
        named.chain(featured).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_side_is_never_built_with_the_servers_feature() {
        let words = Packages::browser().selection().join(" ");
        assert!(words.contains("--features resilient-form/hydrate"), "{words}");
        assert!(!words.contains("ssr"), "{words}");
    }
}
