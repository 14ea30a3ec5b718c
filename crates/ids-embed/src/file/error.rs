//! What can be wrong with a model file.

/// Why bytes are not a model this engine can run; always final, the file has to be fetched again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFileError {
    /// The first four bytes are not `E5S1`.
    #[error("this is no embedding model file: it does not start with `E5S1`; fetch it again")]
    Magic,
    /// A layout this reader does not know.
    #[error("the embedding model file has version `{found}`; this program reads version `1`")]
    Version {
        /// The version in the file.
        found: u32,
    },
    /// The file ends before something that must be there.
    #[error(
        "the embedding model file ends inside {what}: {needed} bytes are needed at offset {offset}, the file has {size}; fetch it again"
    )]
    Truncated {
        /// The part being read.
        what: &'static str,
        /// Where that part starts, in bytes from the file's start.
        offset: usize,
        /// Its length in bytes, as the file itself states it.
        needed: u64,
        /// The length of the file in bytes.
        size: usize,
    },
    /// A number of the header that no sane model has, or that contradicts another.
    #[error("the embedding model file has {field} `{value}`; allowed is {allowed}")]
    Field {
        /// The number's name.
        field: &'static str,
        /// What the file says.
        value: String,
        /// What would have been accepted.
        allowed: String,
    },
    /// A piece of the vocabulary that cannot be used.
    #[error("piece `{index}` in the vocabulary of the embedding model file {problem}; fetch the file again")]
    Piece {
        /// The piece's id.
        index: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A tensor that is missing or has other contents than the network needs.
    #[error("tensor `{name}` of the embedding model file {problem}; fetch the file again")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
}
