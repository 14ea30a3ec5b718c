//! The model as others see it: text in, vector out.

use std::sync::Arc;

use crate::engine::{Network, Scratch};
use crate::file::{ModelFile, ModelFileError};
use crate::kernel::Kernel;
use crate::tokenizer::Tokenizer;

/// Dimensions of the built-in model's vectors.
pub const DIMENSIONS: usize = 384;

/// Stored beside each vector. It names the weights and the arithmetic: **change it whenever a change to this crate
/// changes a single bit of a vector**, or libraries mix vectors that do not compare.
const MODEL_NAME: &str = "multilingual-e5-small-enpt-q4/int8";

/// Begin and end.
const CONTROL_TOKENS: usize = 2;

/// A text's role: the model was trained on questions and passages with different prefixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// Something asked.
    Query,
    /// Something that may hold an answer.
    Passage,
}

/// A vector and how much of the text it stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct TextEmbedding {
    /// Length 1; [`Model::dimensions`] components.
    pub vector: Vec<f32>,
    /// Tokens read, with prefix, begin and end.
    pub tokens: usize,
    /// Whether the text went on beyond [`Model::max_tokens`] and its end was left out.
    pub was_cut: bool,
}

/// The built-in embedding model; immutable, cheap to clone (weights are shared), used by many threads at once.
#[derive(Clone)]
pub struct Model {
    tokenizer: Arc<Tokenizer>,
    network: Arc<Network>,
    kernel: Kernel,
}

/// Buffers of a forward pass, to be used again by the same thread; see [`Model::embed_with`].
pub struct Workspace(Scratch);

impl Model {
    /// Reads a model from the bytes of its file and readies it for this machine's best [`Kernel`].
    ///
    /// The bytes are not needed afterwards. That they are the pinned file is checked by its sha256 where it is
    /// fetched; here they are checked for everything the computation relies on.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong and where.
    pub fn load(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let file = ModelFile::parse(bytes)?;
        Ok(Self {
            tokenizer: Arc::new(Tokenizer::new(&file)?),
            network: Arc::new(Network::new(&file)?),
            kernel: Kernel::best(),
        })
    }

    /// The same model on another kernel; `None` where this machine cannot run it. The vectors stay the same.
    pub fn with_kernel(&self, kernel: Kernel) -> Option<Self> {
        kernel.is_available().then(|| Self {
            kernel,
            ..self.clone()
        })
    }

    /// What computes the vectors.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The name stored beside each vector; vectors of two names do not compare.
    pub fn model_name(&self) -> &'static str {
        MODEL_NAME
    }

    /// Components of a vector; [`DIMENSIONS`] for the built-in model.
    pub fn dimensions(&self) -> usize {
        self.network.sizes().hidden
    }

    /// Most tokens a vector stands for, prefix, begin and end included (512); the rest of a text is left out.
    pub fn max_tokens(&self) -> usize {
        self.network.sizes().positions
    }

    /// Tokens of `text` alone: no prefix, no begin and end, nothing cut.
    pub fn token_count(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }

    /// Ids of the first `max` tokens of `text` alone, as [`Self::token_count`] counts them.
    pub fn token_ids(&self, text: &str, max: usize) -> Vec<u32> {
        self.tokenizer.encode(text, max)
    }

    /// The vector of a question. One in capitals throughout is lower-cased first: the model knows few capitals.
    pub fn embed_query(&self, query: &str) -> Vec<f32> {
        self.embed_with(&mut Workspace::new(), TextKind::Query, query)
            .vector
    }

    /// The vector of a passage.
    pub fn embed_passage(&self, passage: &str) -> Vec<f32> {
        self.embed_with(&mut Workspace::new(), TextKind::Passage, passage)
            .vector
    }

    /// The vector of `text`, computed in buffers that are used again.
    ///
    /// Depends on the text alone: not on the workspace's past, the thread or the kernel. Never fails; an empty text
    /// has the vector of its bare prefix. Takes some milliseconds of CPU (tens at 512 tokens): keep it off the
    /// async runtime's threads.
    pub fn embed_with(&self, workspace: &mut Workspace, kind: TextKind, text: &str) -> TextEmbedding {
        let prefixed = match kind {
            TextKind::Query if is_all_capitals(text) => format!("query: {}", text.to_lowercase()),
            TextKind::Query => format!("query: {text}"),
            TextKind::Passage => format!("passage: {text}"),
        };
        let room = self.max_tokens() - CONTROL_TOKENS;
        let mut ids = self.tokenizer.encode(&prefixed, room + 1);
        let was_cut = ids.len() > room;
        ids.truncate(room);
        let control = self.tokenizer.control();
        ids.insert(0, control.begin);
        ids.push(control.end);
        let vector = self.kernel.run(&self.network, &ids, &mut workspace.0);
        TextEmbedding {
            vector,
            tokens: ids.len(),
            was_cut,
        }
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Model")
            .field("name", &MODEL_NAME)
            .field("kernel", &self.kernel)
            .finish()
    }
}

impl Workspace {
    /// An empty workspace; it grows with the longest text it sees, to about 4 MB at 512 tokens.
    pub fn new() -> Self {
        Self(Scratch::new())
    }

    /// Bytes held at the moment.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

impl Default for Workspace {
    fn default() -> Self {
        Self::new()
    }
}

/// Has capitals and no small letter.
fn is_all_capitals(text: &str) -> bool {
    text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)
}
