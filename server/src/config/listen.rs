//! Where the server listens and what it is called.

use std::net::SocketAddr;

use http::Uri;

use super::Lookup;

#[derive(Clone, Debug)]
pub struct ListenSettings {
    /// `INKFAST_LISTEN`, default `127.0.0.1:3000`.
    pub address: SocketAddr,
    /// `INKFAST_PUBLIC_URL`, default `http://{listen}`: what browsers call this server.
    pub public_url: PublicUrl,
}

impl ListenSettings {
    pub(crate) fn from_env(lookup: Lookup) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let listen = lookup("INKFAST_LISTEN").unwrap_or_else(|| "127.0.0.1:3000".to_owned());
        let address = listen.parse::<SocketAddr>();
        if address.is_err() {
            problems.push(format!(
                "INKFAST_LISTEN is `{listen}`; it takes an address and a port, as in 127.0.0.1:3000."
            ));
        }
        let url = lookup("INKFAST_PUBLIC_URL");
        let public_url = match (&url, &address) {
            (Some(url), _) => PublicUrl::parse(url),
            (None, Ok(address)) => PublicUrl::parse(&format!("http://{address}")),
            (None, Err(_)) => None,
        };
        if let (Some(url), None) = (&url, &public_url) {
            problems.push(format!(
                "INKFAST_PUBLIC_URL is `{url}`; it takes http:// or https:// and a host, without a path, as in \
                 https://admin.example.org."
            ));
        }
        match (address, public_url) {
            (Ok(address), Some(public_url)) if problems.is_empty() => Ok(Self { address, public_url }),
            _ => Err(problems),
        }
    }
}

/// Scheme and authority, nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    pub https: bool,
    /// Host, and the port unless it is the scheme's own; lower case.
    pub authority: String,
}

impl PublicUrl {
    fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.trim_end_matches('/').parse().ok()?;
        let https = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = uri.authority()?.as_str().to_ascii_lowercase();
        if authority.contains('@') || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return None;
        }
        let own_port = if https { ":443" } else { ":80" };
        Some(Self {
            https,
            authority: authority.strip_suffix(own_port).unwrap_or(&authority).to_owned(),
        })
    }

    /// Whether browsers on other machines are meant to come here.
    pub fn is_loopback(&self) -> bool {
        is_loopback_authority(&self.authority)
    }
}

impl std::fmt::Display for PublicUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}://{}",
            if self.https { "https" } else { "http" },
            self.authority
        )
    }
}

/// Whether a `Host` names this machine, whatever the port.
pub fn is_loopback_authority(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
