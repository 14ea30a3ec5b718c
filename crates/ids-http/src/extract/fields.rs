//! Reads named values out of a JSON object, a query string or a form, and names **every** bad one (422).
//!
//! A derived `Deserialize` stops at the first fault, and knows no form whose lists are repeated or parted by commas.

use std::fmt::Display;

use ids_core::document::ContentType;
use ids_core::error::{FieldError, Refusal};
use ids_core::scope::Tag;
use serde_json::{Map, Value};

/// The fields of one request, read by name. Unknown ones are ignored.
pub(crate) struct Fields {
    source: Source,
    bad: Vec<FieldError>,
}

enum Source {
    Json(Map<String, Value>),
    /// A query string or a form: texts, names may repeat; an empty text counts as absent.
    Text(Vec<(String, String)>),
}

impl Fields {
    pub(crate) fn of_json(object: Map<String, Value>) -> Self {
        Self {
            source: Source::Json(object),
            bad: Vec::new(),
        }
    }

    pub(crate) fn of_texts(pairs: Vec<(String, String)>) -> Self {
        Self {
            source: Source::Text(pairs),
            bad: Vec::new(),
        }
    }

    /// Notes a fault.
    pub(crate) fn refuse(&mut self, field: &str, reason: impl Into<String>) {
        self.bad.push(FieldError {
            field: field.to_owned(),
            reason: reason.into(),
        });
    }

    /// Says whether all was well.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` with all bad fields.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        if self.bad.is_empty() {
            Ok(())
        } else {
            Err(Refusal::fields(self.bad))
        }
    }

    /// A value of a JSON object as it was sent, for those of a shape of their own; `None` when absent.
    pub(crate) fn raw(&self, name: &str) -> Option<&Value> {
        match &self.source {
            Source::Json(object) => object.get(name).filter(|value| !value.is_null()),
            Source::Text(_) => None,
        }
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let (text, reason) = match &self.source {
            Source::Json(object) => match object.get(name) {
                None | Some(Value::Null) => return None,
                Some(Value::String(text)) => (Some(text.clone()), ""),
                Some(_) => (None, "must be text"),
            },
            Source::Text(pairs) => {
                let mut given = pairs.iter().filter(|(key, text)| key == name && !text.is_empty());
                let first = given.next()?;
                match given.next() {
                    None => (Some(first.1.clone()), ""),
                    Some(_) => (None, "must be given once"),
                }
            }
        };
        if text.is_none() {
            self.refuse(name, reason);
        }
        text
    }

    /// A text that must be there; when it is not, that is noted and an empty one returned.
    pub(crate) fn required_text(&mut self, name: &str) -> String {
        let faults = self.bad.len();
        let text = self.text(name);
        self.required(name, text, faults).unwrap_or_default()
    }

    /// A value made of a text.
    pub(crate) fn parsed<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.refuse(name, reason.to_string());
                None
            }
        }
    }

    /// A value made of a text that must be there.
    pub(crate) fn required_parsed<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let faults = self.bad.len();
        let value = self.parsed(name, parse);
        self.required(name, value, faults)
    }

    /// Whether a field was refused already.
    pub(crate) fn has_refused(&self, name: &str) -> bool {
        self.bad.iter().any(|bad| bad.field == name)
    }

    /// One of a few words.
    pub(crate) fn choice<T>(
        &mut self,
        name: &str,
        all: &[&str],
        from_name: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.parsed(name, |text| {
            from_name(text).ok_or_else(|| format!("must be one of {}", all.join(", ")))
        })
    }

    /// A whole number, 0 or more.
    pub(crate) fn whole_number(&mut self, name: &str) -> Option<u64> {
        let number = match &self.source {
            Source::Json(object) => match object.get(name) {
                None | Some(Value::Null) => return None,
                Some(value) => value.as_u64(),
            },
            Source::Text(_) => self.text(name)?.trim().parse().ok(),
        };
        if number.is_none() {
            self.refuse(name, "must be a whole number, 0 or more");
        }
        number
    }

    /// A whole number that must be there.
    pub(crate) fn required_whole_number(&mut self, name: &str) -> u64 {
        let faults = self.bad.len();
        let number = self.whole_number(name);
        self.required(name, number, faults).unwrap_or_default()
    }

    /// A whole number that counts something in memory.
    pub(crate) fn count(&mut self, name: &str, default: usize) -> usize {
        self.whole_number(name)
            .map_or(default, |number| usize::try_from(number).unwrap_or(usize::MAX))
    }

    /// A number.
    pub(crate) fn number(&mut self, name: &str) -> Option<f32> {
        let number = match &self.source {
            Source::Json(object) => match object.get(name) {
                None | Some(Value::Null) => return None,
                Some(value) => value.as_f64(),
            },
            Source::Text(_) => self.text(name)?.trim().parse().ok(),
        };
        match number.filter(|number| number.is_finite()) {
            Some(number) => Some(number as f32),
            None => {
                self.refuse(name, "must be a number");
                None
            }
        }
    }

    /// Yes or no; absent is no.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let flag = match &self.source {
            Source::Json(object) => match object.get(name) {
                None | Some(Value::Null) => return false,
                Some(value) => value.as_bool(),
            },
            Source::Text(_) => match self.text(name).as_deref() {
                None => return false,
                Some("true" | "1") => Some(true),
                Some("false" | "0") => Some(false),
                Some(_) => None,
            },
        };
        if flag.is_none() {
            self.refuse(name, "must be true or false");
        }
        flag.unwrap_or(false)
    }

    /// An object whose fields nobody here looks at: it must be one, that is all.
    pub(crate) fn object(&mut self, name: &str) {
        let is_fine = match &self.source {
            Source::Json(object) => object
                .get(name)
                .is_none_or(|value| value.is_null() || value.is_object()),
            Source::Text(_) => self.text(name).is_none(),
        };
        if !is_fine {
            self.refuse(name, "must be an object");
        }
    }

    /// The fields of an object; what is wrong with them goes to [`Self::blame`]. Only JSON has such.
    pub(crate) fn nested(&mut self, name: &str) -> Option<Self> {
        self.object(name);
        match &self.source {
            Source::Json(object) => match object.get(name) {
                Some(Value::Object(inner)) => Some(Self::of_json(inner.clone())),
                _ => None,
            },
            Source::Text(_) => None,
        }
    }

    /// Takes over the faults of the object of that name.
    pub(crate) fn blame(&mut self, name: &str, nested: Self) {
        for bad in nested.bad {
            self.refuse(&format!("{name}.{}", bad.field), bad.reason);
        }
    }

    /// A list of texts: an array in JSON; elsewhere repeated, or parted by commas. `None` when absent.
    pub(crate) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        match &self.source {
            Source::Json(object) => {
                let value = object.get(name).filter(|value| !value.is_null())?;
                let texts: Option<Vec<String>> = value.as_array().and_then(|items| {
                    items
                        .iter()
                        .map(|item| item.as_str().map(str::to_owned))
                        .collect()
                });
                if texts.is_none() {
                    self.refuse(name, "must be a list of texts");
                }
                texts
            }
            Source::Text(pairs) => {
                let given: Vec<&str> = pairs
                    .iter()
                    .filter(|(key, _)| key == name)
                    .map(|(_, text)| text.as_str())
                    .collect();
                if given.is_empty() {
                    return None;
                }
                let parts = given.iter().flat_map(|text| text.split(',')).map(str::trim);
                Some(parts.filter(|part| !part.is_empty()).map(str::to_owned).collect())
            }
        }
    }

    /// A list of values made of texts.
    pub(crate) fn list<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let texts = self.texts(name)?;
        match texts.iter().map(|text| parse(text)).collect() {
            Ok(values) => Some(values),
            Err(reason) => {
                self.refuse(name, format!("each {reason}"));
                None
            }
        }
    }

    /// Tags, each once, in the order given.
    pub(crate) fn tags(&mut self) -> Option<Vec<Tag>> {
        let mut tags: Vec<Tag> = Vec::new();
        for tag in self.list("tags", Tag::parse)? {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Some(tags)
    }

    fn required<T>(&mut self, name: &str, value: Option<T>, faults_before: usize) -> Option<T> {
        if value.is_none() && self.bad.len() == faults_before {
            self.refuse(name, "is required");
        }
        value
    }
}

/// A MIME type, as a field's parser.
pub(crate) fn content_type(text: &str) -> Result<ContentType, &'static str> {
    ContentType::parse(text).ok_or("must be a MIME type such as `application/pdf`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Fields;

    fn json(value: serde_json::Value) -> Fields {
        Fields::of_json(value.as_object().unwrap().clone())
    }

    fn form(pairs: &[(&str, &str)]) -> Fields {
        Fields::of_texts(
            pairs
                .iter()
                .map(|&(name, text)| (name.to_owned(), text.to_owned()))
                .collect(),
        )
    }

    #[test]
    fn all_bad_fields_are_named_at_once() {
        let mut fields = json(json!({"title": 1, "size": "big", "tags": ["a", 2], "wide": "x"}));
        fields.text("title");
        fields.whole_number("size");
        fields.tags();
        fields.required_text("name");
        fields.number("wide");
        fields.flag("absent");

        let refused = fields.finish().unwrap_err();

        let named: Vec<&str> = refused.fields.iter().map(|bad| bad.field.as_str()).collect();
        assert_eq!(named, ["title", "size", "tags", "name", "wide"]);
    }

    #[test]
    fn null_is_absent_and_a_wrong_type_is_not_also_missing() {
        let mut fields = json(json!({"a": null, "b": 3}));
        assert_eq!(fields.text("a"), None);
        fields.required_text("b");
        assert_eq!(fields.finish().unwrap_err().fields.len(), 1);
    }

    #[test]
    fn lists_in_forms_are_repeated_or_parted_by_commas() {
        let mut fields = form(&[("tags", "a, b"), ("tags", "c,,a"), ("title", "")]);
        let tags: Vec<String> = fields
            .tags()
            .unwrap()
            .iter()
            .map(|tag| tag.as_str().to_owned())
            .collect();
        assert_eq!(tags, ["a", "b", "c"]);
        assert_eq!(fields.text("title"), None);
        assert!(fields.finish().is_ok());
    }

    #[test]
    fn a_single_value_given_twice_is_refused() {
        let mut fields = form(&[("limit", "1"), ("limit", "2")]);
        fields.count("limit", 10);
        assert!(fields.finish().is_err());
    }
}
