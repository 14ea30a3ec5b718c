-- What is shown of a document is copied from one version, so that lists and filters read one table.
-- Nothing changes before the first version is accepted: then the announcement stands.
update documents
set filename = v.filename, content_type = v.content_type, file_size = v.file_size, file_hash = v.file_hash
from versions v
where documents.document_id = ?1
  and v.version_no = coalesce(documents.visible_version_no, documents.newest_version_no)
