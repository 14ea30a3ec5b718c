//! A password that opens a file: used while the file comes in, and then gone.

use std::fmt;

/// A password. It has no form in which it could be shown, stored or compared by accident.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Of what somebody gave; `None` for an empty one.
    pub fn new(text: String) -> Option<Self> {
        (!text.is_empty()).then_some(Self(text))
    }

    /// For who opens a file with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Password;

    #[test]
    fn a_password_is_not_shown() {
        let password = Password::new("segredo".to_owned()).expect("one");
        assert_eq!(format!("{password:?}"), "Password(…)");
        assert_eq!(password.expose(), "segredo");
        assert!(Password::new(String::new()).is_none());
    }
}
