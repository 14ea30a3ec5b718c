//! What a conversation's questions are limited to, as one text: a line each, a letter for what it is, a space, the value.

use ids_core::chunk::Filter;
use ids_core::document::ContentType;
use ids_core::scope::{CollectionName, Tag};

/// A filter as text; `None` for one that limits nothing.
pub fn encode_filter(filter: &Filter) -> Option<String> {
    let mut lines = Vec::new();
    lines.extend(filter.collection.iter().map(|name| format!("c {name}")));
    lines.extend(filter.document_ids.iter().map(|id| format!("d {id}")));
    lines.extend(filter.content_types.iter().map(|it| format!("m {}", it.as_str())));
    lines.extend(filter.tags.iter().map(|tag| format!("t {}", tag.as_str())));
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What [`encode_filter`] wrote; `None` when it cannot have.
pub fn decode_filter(stored: Option<&str>) -> Option<Filter> {
    let mut filter = Filter::default();
    for line in stored.unwrap_or_default().lines() {
        let (kind, value) = line.split_once(' ')?;
        match kind {
            "c" => filter.collection = Some(CollectionName::parse(value).ok()?),
            "d" => filter.document_ids.push(value.parse().ok()?),
            "m" => filter.content_types.push(ContentType::parse(value)?),
            "t" => filter.tags.push(Tag::parse(value).ok()?),
            _ => return None,
        }
    }
    Some(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_comes_back_as_it_was() {
        let filter = Filter {
            collection: Some(CollectionName::parse("Compras e licitações").unwrap()),
            document_ids: vec!["00000000-0000-7000-8000-000000000001".parse().unwrap()],
            content_types: vec![ContentType::parse(ContentType::PDF).unwrap()],
            tags: vec![Tag::parse("edital 2024").unwrap(), Tag::parse("obra").unwrap()],
        };
        let stored = encode_filter(&filter);
        assert_eq!(decode_filter(stored.as_deref()), Some(filter));
        assert_eq!(encode_filter(&Filter::default()), None);
        assert_eq!(decode_filter(None), Some(Filter::default()));
        for broken in ["x y", "d 12", "c", "c \u{1}"] {
            assert_eq!(decode_filter(Some(broken)), None, "{broken}");
        }
    }
}
