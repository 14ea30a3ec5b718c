//! What is known of the models that people use, by the names that servers give them.

/// What a model wants in front of a text, as it was trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefixes {
    /// Of what is searched for.
    pub query: &'static str,
    /// Of what is found.
    pub passage: &'static str,
}

impl Prefixes {
    /// None.
    pub const NONE: Self = Self {
        query: "",
        passage: "",
    };

    /// By the model cards of the E5 family and of Nomic's models; all other models of the table take texts as they are.
    pub fn of(model: &str) -> Self {
        let name = base_of(model);
        if name.contains("e5-") && !name.contains("instruct") {
            Self {
                query: "query: ",
                passage: "passage: ",
            }
        } else if name.starts_with("nomic-embed-text") {
            Self {
                query: "search_query: ",
                passage: "search_document: ",
            }
        } else {
            Self::NONE
        }
    }
}

/// Values of the vectors of a model that many use, by its name with or without the publisher and the tag.
pub fn known_dimensions(model: &str) -> Option<usize> {
    const KNOWN: [(&str, usize); 14] = [
        ("text-embedding-3-small", 1_536),
        ("text-embedding-3-large", 3_072),
        ("text-embedding-ada-002", 1_536),
        ("multilingual-e5-small", 384),
        ("multilingual-e5-base", 768),
        ("multilingual-e5-large", 1_024),
        ("nomic-embed-text-v1.5", 768),
        ("nomic-embed-text", 768),
        ("mxbai-embed-large", 1_024),
        ("all-minilm", 384),
        ("bge-m3", 1_024),
        ("snowflake-arctic-embed2", 1_024),
        ("embeddinggemma", 768),
        ("paraphrase-multilingual", 768),
    ];
    let name = base_of(model);
    KNOWN
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, dimensions)| *dimensions)
}

/// `BAAI/bge-m3:latest` is `bge-m3`.
fn base_of(model: &str) -> String {
    let name = model.rsplit('/').next().unwrap_or(model);
    let name = name.split(':').next().unwrap_or(name);
    name.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{Prefixes, known_dimensions};

    #[test]
    fn models_are_known_by_their_names() {
        let check = |model: &str, dimensions: Option<usize>, query: &str| {
            assert_eq!(known_dimensions(model), dimensions, "{model}");
            assert_eq!(Prefixes::of(model).query, query, "{model}");
        };
        check("text-embedding-3-small", Some(1_536), "");
        check("nomic-embed-text:latest", Some(768), "search_query: ");
        check("intfloat/multilingual-e5-base", Some(768), "query: ");
        check("intfloat/multilingual-e5-large-instruct", None, "");
        check("BAAI/bge-m3", Some(1_024), "");
        check("ours", None, "");
    }
}
