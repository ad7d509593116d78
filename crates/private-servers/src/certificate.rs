//! What a server needs to offer TLS: a key, and a certificate that nobody but it has signed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ServerError;
use crate::installation::ServiceUser;
use crate::postgres::said_by;

pub struct Certificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Certificate {
    /// Made by `openssl` in `directory`, readable for `user` alone.
    pub fn make(directory: &Path, user: Option<ServiceUser>) -> Result<Self, ServerError> {
        let made = Self {
            certificate: directory.join("certificate.pem"),
            key: directory.join("key.pem"),
        };
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]);
        openssl.args(["-subj", "/CN=localhost", "-keyout"]).arg(&made.key);
        openssl.arg("-out").arg(&made.certificate);
        if let Some(user) = user {
            user.run(&mut openssl);
        }
        said_by("openssl", openssl.current_dir(directory).output()?)?;
        Ok(made)
    }
}
