//! The JSON of `/embeddings`: the part of it that is used.

use ids_core::embedding::Embedding;
use ids_core::ports::CountedVectors;
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct RequestBody<'a> {
    model: &'a str,
    input: &'a [String],
    /// Every server knows this form; base64 would be a quarter of its size.
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<usize>,
}

#[derive(Deserialize)]
struct ReplyBody {
    data: Vec<VectorBody>,
    #[serde(default)]
    usage: Option<UsageBody>,
}

/// What the server counted; some tell one of them, some none.
#[derive(Deserialize)]
struct UsageBody {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    total_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct VectorBody {
    #[serde(default)]
    index: Option<usize>,
    embedding: Vec<f32>,
}

/// The body of a request.
pub(super) fn request(
    model: &str,
    input: &[String],
    dimensions: Option<usize>,
) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&RequestBody {
        model,
        input,
        encoding_format: "float",
        dimensions,
    })
}

/// The vectors of a reply, in the order of the texts, each of length 1, and the tokens that the server counted.
pub(super) fn read(json: &[u8], count: usize, dimensions: usize) -> Result<CountedVectors, &'static str> {
    let reply: ReplyBody = serde_json::from_slice(json).map_err(|_| "the answer is no reply of this API")?;
    if reply.data.len() != count {
        return Err("the server gave another number of vectors than there were texts");
    }
    let usage = reply.usage;
    let mut vectors: Vec<Option<Embedding>> = vec![None; count];
    for (position, body) in reply.data.into_iter().enumerate() {
        if body.embedding.len() != dimensions {
            return Err("the model's vectors are not as long as is set; see OPENAI_EMBEDDING_DIMENSIONS");
        }
        let index = body.index.unwrap_or(position);
        let place = vectors
            .get_mut(index)
            .ok_or("the server numbered a vector wrongly")?;
        *place = Some(of_length_one(&body.embedding).ok_or("the server gave a vector without a direction")?);
    }
    let all: Option<Vec<Embedding>> = vectors.into_iter().collect();
    Ok(CountedVectors {
        vectors: all.ok_or("the server gave one vector twice")?,
        tokens: usage.and_then(|usage| usage.prompt_tokens.or(usage.total_tokens)),
    })
}

fn of_length_one(values: &[f32]) -> Option<Embedding> {
    // In f64: the squares of large values overflow f32.
    let length = values
        .iter()
        .map(|&value| f64::from(value).powi(2))
        .sum::<f64>()
        .sqrt();
    if !length.is_finite() || length <= f64::MIN_POSITIVE {
        return None;
    }
    let unit: Vec<f32> = values
        .iter()
        .map(|&value| (f64::from(value) / length) as f32)
        .collect();
    Some(Embedding::from_f32(&unit))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn vectors_come_in_the_order_of_their_texts_and_of_length_one() {
        let json = br#"{"data": [{"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [3, 4]}], "usage": {}}"#;
        let read_of = |json: &[u8]| read(json, 2, 2).unwrap();
        assert_eq!(read_of(json).tokens, None);
        let vectors = read_of(json).vectors;
        let first = vectors[0].to_f32();
        assert!(
            (first[0] - 0.6).abs() < 1e-3 && (first[1] - 0.8).abs() < 1e-3,
            "{first:?}"
        );
        assert_eq!(vectors[1].to_f32(), [0.0, 1.0]);
        // Servers that number nothing keep the order.
        let json = br#"{"data": [{"embedding": [1, 0]}, {"embedding": [0, 1]}]}"#;
        assert_eq!(read_of(json).vectors[1].to_f32(), [0.0, 1.0]);
    }

    #[test]
    fn the_tokens_are_those_that_the_server_counted() {
        let check = |usage: &str, tokens| {
            let json = format!(r#"{{"data": [{{"embedding": [1, 0]}}], "usage": {usage}}}"#);
            assert_eq!(read(json.as_bytes(), 1, 2).unwrap().tokens, tokens, "{usage}");
        };
        check(r#"{"prompt_tokens": 7, "total_tokens": 9}"#, Some(7));
        check(r#"{"total_tokens": 9}"#, Some(9));
        check("null", None);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for json in [
            "",
            "<html>",
            r#"{"error": {"message": "no"}}"#,
            r#"{"data": [{"embedding": [1, 0]}]}"#,
            r#"{"data": [{"embedding": [1, 0]}, {"embedding": [1, 0, 0]}]}"#,
            r#"{"data": [{"index": 0, "embedding": [1, 0]}, {"index": 0, "embedding": [1, 0]}]}"#,
            r#"{"data": [{"index": 0, "embedding": [1, 0]}, {"index": 2, "embedding": [1, 0]}]}"#,
            r#"{"data": [{"embedding": [1, 0]}, {"embedding": [0, 0]}]}"#,
            r#"{"data": [{"embedding": [1, 0]}, {"embedding": [1e39, 0]}]}"#,
            r#"{"data": [{"embedding": [1, 0]}, {"embedding": [null, 0]}]}"#,
        ] {
            assert!(read(json.as_bytes(), 2, 2).is_err(), "{json}");
        }
    }
}
