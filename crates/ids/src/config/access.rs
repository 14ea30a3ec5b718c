//! Who may ask, and how often.

use ipnet::IpNet;

use super::variables::{ConfigError, Variables, unreadable};

/// Who may ask, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessConfig {
    /// `IDS_AUTH`: `None` where it is not set.
    pub auth: Option<Auth>,
    /// `TRUSTED_PROXIES`.
    pub trusted_proxies: Vec<IpNet>,
    /// `RATE_LIMIT_PER_MINUTE`.
    pub per_key_and_minute: u32,
    /// `RATE_LIMIT_PER_ADDRESS_PER_MINUTE`.
    pub per_address_and_minute: u32,
}

/// Whether callers need a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// They need one.
    Keys,
    /// They need none.
    Off,
}

impl AccessConfig {
    pub(super) fn new(variables: &Variables) -> Result<Self, ConfigError> {
        let auth = match variables.text("IDS_AUTH") {
            None => None,
            Some("keys") => Some(Auth::Keys),
            Some("off") => Some(Auth::Off),
            Some(_) => return Err(unreadable("IDS_AUTH", "keys or off")),
        };
        let trusted_proxies = variables
            .list("TRUSTED_PROXIES")
            .iter()
            .map(|text| network(text))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| {
                unreadable(
                    "TRUSTED_PROXIES",
                    "addresses or networks such as `10.0.0.0/8`, parted by commas",
                )
            })?;
        let limit = |name, default| variables.number(name, default, 1..=1_000_000);
        Ok(Self {
            auth,
            trusted_proxies,
            per_key_and_minute: limit("RATE_LIMIT_PER_MINUTE", 600)? as u32,
            per_address_and_minute: limit("RATE_LIMIT_PER_ADDRESS_PER_MINUTE", 1_200)? as u32,
        })
    }

    /// Whether a server that is bound to loopback addresses only (or not) asks for keys.
    ///
    /// # Errors
    /// `IDS_AUTH=off` where strangers could reach it.
    pub fn needs_keys(&self, is_production: bool, is_loopback: bool) -> Result<bool, ConfigError> {
        let is_open = is_production || !is_loopback;
        match self.auth {
            Some(Auth::Keys) => Ok(true),
            None => Ok(is_open),
            Some(Auth::Off) if is_open => Err(ConfigError(format!(
                "`IDS_AUTH=off` is for this machine alone; {}",
                if is_production {
                    "unset it, since ENVIRONMENT is `production`"
                } else {
                    "unset it, or listen on 127.0.0.1"
                }
            ))),
            Some(Auth::Off) => Ok(false),
        }
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>()
        .ok()
        .or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use super::AccessConfig;
    use crate::config::Variables;

    fn read(pairs: &[(&str, &str)]) -> Result<AccessConfig, String> {
        let variables = Variables::of(pairs).unwrap();
        AccessConfig::new(&variables).map_err(|error| error.to_string())
    }

    #[test]
    fn strangers_always_need_a_key() {
        let needs = |pairs: &[(&str, &str)], is_production, is_loopback| {
            read(pairs).unwrap().needs_keys(is_production, is_loopback).ok()
        };
        assert_eq!(needs(&[], false, true), Some(false));
        assert_eq!(needs(&[], false, false), Some(true));
        assert_eq!(needs(&[], true, true), Some(true));
        assert_eq!(needs(&[("IDS_AUTH", "keys")], false, true), Some(true));
        assert_eq!(needs(&[("IDS_AUTH", "off")], false, true), Some(false));
        assert_eq!(needs(&[("IDS_AUTH", "off")], false, false), None);
        assert_eq!(needs(&[("IDS_AUTH", "off")], true, true), None);
    }

    #[test]
    fn proxies_are_addresses_or_networks() {
        let access = read(&[("TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8,::1")]).unwrap();
        assert_eq!(access.trusted_proxies.len(), 3);
        assert!(
            read(&[("TRUSTED_PROXIES", "nginx")])
                .unwrap_err()
                .contains("TRUSTED_PROXIES")
        );
        assert!(read(&[("RATE_LIMIT_PER_MINUTE", "0")]).is_err());
    }
}
