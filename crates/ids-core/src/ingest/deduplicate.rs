//! Is the same text in this collection already?

use super::StepError;
use crate::id::DocumentId;
use crate::library::Library;
use crate::ports::ClaimedJob;

/// The document of the collection that shows the same text. Chunking looks once more, in its transaction: two
/// documents may be at this step at the same time.
pub(super) async fn find(library: &Library, claimed: &ClaimedJob) -> Result<Option<DocumentId>, StepError> {
    Ok(library.ports.documents.find_duplicate(&claimed.lease).await?)
}
