//! Every bound of the domain in one place, each with its reason.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Characters of a collection's name.
pub const COLLECTION_NAME_CHARS: usize = 100;
/// Characters of an organization's name.
pub const ORGANIZATION_NAME_CHARS: usize = 100;
/// Characters of the name that a key is given.
pub const KEY_NAME_CHARS: usize = 100;
/// Collections that one key may be limited to.
pub const COLLECTIONS_PER_KEY: usize = 100;
/// Keys of one organization that are not revoked.
pub const KEYS_PER_ORGANIZATION: usize = 1_000;
/// Characters of a tag.
pub const TAG_CHARS: usize = 60;
/// Tags of one document.
pub const TAGS_PER_DOCUMENT: usize = 50;
/// Characters of a document's title.
pub const TITLE_CHARS: usize = 300;
/// Characters of a document's description.
pub const DESCRIPTION_CHARS: usize = 5_000;
/// Characters of a file name; file systems stop at 255 bytes.
pub const FILE_NAME_CHARS: usize = 255;
/// Characters of a search query. A pasted page is cut nowhere near this; a pasted book is refused.
pub const QUERY_CHARS: usize = 10_000;
/// Distinct terms of a query that count; the rarest are kept. Past it each further term costs a posting list.
pub const QUERY_TERMS: usize = 64;
/// Hits of one search.
pub const SEARCH_RESULTS: usize = 100;
/// Document ids, types or tags in one filter.
pub const FILTER_VALUES: usize = 1_000;
/// Rows of one page of a list.
pub const LIST_ROWS: usize = 1_000;

/// Pages of one document; a longer one is refused rather than half read.
pub const DOCUMENT_PAGES: u32 = 50_000;
/// Characters of one document's text: twenty thousand dense pages. The text of one document is held in memory.
pub const DOCUMENT_CHARS: usize = 60_000_000;
/// Characters of the path of a document inside the one it came in; Windows stops at 260.
pub const MEMBER_PATH_CHARS: usize = 1_000;
/// How many documents a member may lie in: a ZIP in a mail in a ZIP in a mail. Past it whoever nests plays a trick.
pub const MEMBER_DEPTH: u32 = 4;
/// Levels that a store follows, up or down: more than there may be, so that rows that name each other end somewhere.
pub const MEMBER_LEVELS: u32 = MEMBER_DEPTH + 2;
/// Members that one file gives: a folder of ten years of letters. Each is a job and some rows.
pub const MEMBERS_PER_FILE: usize = 2_000;
/// Members of all depths that came in one file.
pub const MEMBERS_PER_TREE: u64 = 10_000;
/// Bytes of all members of one file, unpacked. A ZIP of the greatest size that is taken by default holds five times as much, where it
/// is of texts; a bomb stops here.
pub const MEMBERS_BYTES: u64 = 2 * 1_024 * 1_024 * 1_024;
/// Members passed over that are named; a reader stops long before.
pub const SKIPPED_NAMED: usize = 500;
/// Texts whose estimated similarity is below this are not called nearly the same. A text with one word in nine changed is at .5 (bench/near-duplicates).
pub const NEAR_DUPLICATE_SIMILARITY: f32 = 0.5;
/// Documents with nearly the same text that are named.
pub const NEAR_DUPLICATES: usize = 20;
/// Documents whose signature is compared for that; those that share most with it first.
pub const NEAR_DUPLICATE_CANDIDATES: usize = 500;
/// Entries of bands that are read for that: past it the text is a form that thousands have filled in.
pub const NEAR_DUPLICATE_ENTRIES: usize = 50_000;
/// Characters of the text that stands in front of a chunk when it is embedded (title and heading path).
pub const CHUNK_CONTEXT_CHARS: usize = 300;

/// Width of a page's picture, in pixels: below, no word can be read; above, a printer sees no more (A4 at 360 dpi).
pub const PAGE_IMAGE_WIDTHS: RangeInclusive<u32> = 100..=3_000;
/// Either side of a page's picture, in pixels: browsers refuse longer ones.
pub const PAGE_IMAGE_SIDE: u32 = 16_384;
/// All pixels of a page's picture: A4 at the greatest width takes 12.7 million; 48 MB while it is drawn.
pub const PAGE_IMAGE_PIXELS: u64 = 16_000_000;
/// Bytes of a page's picture: three a pixel when nothing can be saved, and some for the format.
pub const PAGE_IMAGE_BYTES: usize = 49 * 1_024 * 1_024;
/// Pages drawn at once: each takes a core for 30 to 200 ms, and up to 80 MB at the greatest width.
pub const PAGE_IMAGES_AT_ONCE: usize = 2;
/// Requests that may wait for a page to be drawn: the pages one reader leafs through, several times over.
pub const PAGE_IMAGES_WAITING: usize = 32;
/// How long a request waits for its turn to be drawn.
pub const PAGE_IMAGE_PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of drawn pages that are kept: about 200 pages of text at the usual width.
pub const PAGE_IMAGE_CACHE_BYTES: usize = 32 * 1_024 * 1_024;

/// Candidates by words, and by meaning, that enter fusion (design.md 4).
pub const FUSION_CANDIDATES: usize = 100;
/// Postings after which no further list is read (design.md 4).
pub const POSTINGS_ENOUGH: usize = 5_000;
/// Postings read of any one list (design.md 4).
pub const POSTINGS_PER_TERM: usize = 20_000;
/// Candidates by pre-score that are scored exactly (design.md 4), and all that tie with the last.
pub const LEXICAL_CANDIDATES: usize = 300;
/// The most candidates that ties may add up to (design.md 4).
pub const LEXICAL_CANDIDATES_WITH_TIES: usize = 5_000;
/// Embeddings in scope up to which vector search is exact in every store (design.md 1).
pub const EXACT_VECTORS: usize = 20_000;
/// Adapters return all candidates within this of the last one asked for (design.md 1).
pub const SIMILARITY_MARGIN: f32 = 1e-4;

/// How long an upload that nobody finished is remembered past its time: whoever comes late reads that it expired, and a PUT that
/// began in time may end.
pub const EXPIRED_UPLOAD_STAYS: Duration = Duration::from_secs(24 * 3_600);
/// How long a worker holds a job without renewing, and so how long a killed one is waited for. A lost lease counts as a try, so it
/// covers the longest that a worker's thread computes without a pause (a batch of embeddings), on a crowded machine too.
pub const LEASE: Duration = Duration::from_secs(15);
/// How often it renews: many chances before the lease runs out, and so soon that a cancelled job ends within five seconds.
pub const LEASE_RENEWAL: Duration = Duration::from_secs(3);
/// How long a delivery stays with the worker that received it before another one gets it.
pub const DELIVERY_VISIBILITY: Duration = Duration::from_secs(15);
/// Tries of a job before it ends in `failed`.
pub const JOB_ATTEMPTS: u32 = 5;
/// The first pause between two tries; it doubles each time.
pub const RETRY_BASE: Duration = Duration::from_secs(2);
/// The longest pause between two tries.
pub const RETRY_MAX: Duration = Duration::from_secs(300);
/// How long a job waits when a dependency is down; not a try.
pub const POSTPONE: Duration = Duration::from_secs(5);
/// How long a job waits when the month's budget is used up: somebody may raise it.
pub const BUDGET_PAUSE: Duration = Duration::from_secs(300);
/// How long a worker waits before it tries again to tell the store what became of a job: a restart of PostgreSQL takes a few seconds.
pub const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How often the reconciler looks for jobs without a delivery.
pub const RECONCILE_EVERY: Duration = Duration::from_secs(10);
/// How often a worker says that it is alive.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
/// How long a worker that says nothing counts as alive: a few beats may be missed while PostgreSQL restarts.
pub const HEARTBEAT_LASTS: Duration = Duration::from_secs(30);
/// How long whoever reconciles stays the only one to do so without saying so again.
pub const LEADERSHIP: Duration = Duration::from_secs(30);
/// How often each cleanup runs by itself, once for all workers.
pub const CLEANUP_EVERY: Duration = Duration::from_secs(3_600);
/// How long the record of a cleanup that ended is kept.
pub const CLEANUP_RECORD_STAYS: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Files of a watched folder that are named at once.
pub const SOURCES_PER_PAGE: usize = 1_000;
/// Chunks embedded and committed at once: a kill loses at most this much work.
pub const EMBED_BATCH: usize = 32;
/// Chunks of one document that are embedded before another document gets its turn.
pub const EMBED_TURN: usize = 256;
/// Chunks that get a vector of another model in one turn of changing over: some seconds of work.
pub const REINDEX_TURN: usize = 128;
/// Vectors of other models that one turn removes.
pub const REINDEX_REMOVED: usize = 5_000;

/// Messages of a session that an answer looks back on: three questions with their answers.
pub const HISTORY_MESSAGES: usize = 6;
/// Characters of each of them: a page. Longer ones would crowd out the passages where a model's context is small.
pub const HISTORY_CHARS: usize = 1_500;
/// Messages of a session that are shown; older ones stay stored.
pub const SESSION_MESSAGES: usize = 2_000;
/// Characters of a session's title.
pub const SESSION_TITLE_CHARS: usize = 120;
/// Characters of why an answer was of no use.
pub const FEEDBACK_CHARS: usize = 2_000;
/// Tokens of the passages that a model is given, by a high estimate: with the conversation and the answer, within what small local models read.
pub const PASSAGE_TOKENS: usize = 2_400;
/// Tokens of a model's answer: half a page, with its proofs.
pub const ANSWER_TOKENS: u32 = 1_200;
/// Characters of a model's answer that are read; whoever writes more repeats itself.
pub const ANSWER_CHARS: usize = 20_000;
/// Questions whose evidence is looked for at the same time; more would only make each slower on two cores.
pub const QUESTIONS_AT_ONCE: usize = 2;
/// Questions that wait for that.
pub const QUESTIONS_WAITING: usize = 256;

/// How long money is set aside for an answer that says nothing more: past it whoever made the answer is taken for dead, and the whole amount
/// counts as spent. Longer than any answer takes.
pub const RESERVATION_LASTS: Duration = Duration::from_secs(600);
/// Reservations settled in one transaction.
pub const RESERVATIONS_AT_ONCE: usize = 500;
/// Answers left half way whose cost waits to be written; past it the reservation runs out instead.
pub const LEFT_ANSWERS: usize = 1_024;
/// How long it is tried to tell that a budget is nearly used up; past it, it is no news.
pub const NOTICE_LASTS: Duration = Duration::from_secs(24 * 3_600);
/// Rows of a month's use that are shown, dearest first.
pub const USAGE_ROWS: usize = 1_000;

/// Callers whose requests one process counts by itself.
pub const RATE_LIMITED_CALLERS: usize = 10_000;
