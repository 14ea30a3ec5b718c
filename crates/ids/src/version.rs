//! What this program is: `ids -V` in one line, `ids --version` with what is inside it and what it finds on this machine.

use std::sync::OnceLock;

use ids_embed::{DIMENSIONS, Kernel};
use ids_extract::find_pdfium;

/// The version, and in brackets the commit and its day: `0.1.0 (abcdef123456 2026-11-25)`.
pub const SHORT: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("IDS_BUILD_STAMP"), ")");

/// [`SHORT`], and a line for each part whose version or kind somebody may have to tell.
pub fn long() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        [
            SHORT.to_owned(),
            format!(
                "built for: {} ({})",
                env!("IDS_BUILD_TARGET"),
                env!("IDS_BUILD_PROFILE")
            ),
            format!(
                "embedding: e5-small-enpt-q4, {DIMENSIONS} dimensions, inside the program; computed by {} on this machine (built in: {})",
                kernel_name(Kernel::best()),
                built_in_kernels()
            ),
            format!("pdf: {}, {}", env!("IDS_BUILD_PDFIUM"), pdfium_place()),
            format!("sqlite: {}", ids_sqlite::sqlite_version()),
            format!(
                "schema: sqlite {}, postgresql {}",
                ids_sqlite::schema_version(),
                ids_postgres::schema_version()
            ),
            "shapes: embedded (SQLite, a folder), server (PostgreSQL with pgvector, Redis, S3)".to_owned(),
        ]
        .join("\n")
    })
}

const fn kernel_name(kernel: Kernel) -> &'static str {
    match kernel {
        Kernel::Scalar => "plain instructions",
        Kernel::Avx2 => "avx2",
        Kernel::Avx512Vnni => "avx512-vnni",
    }
}

/// Those compiled in, whether this machine has them or not.
const fn built_in_kernels() -> &'static str {
    if cfg!(target_arch = "x86_64") {
        "avx512-vnni, avx2, plain instructions"
    } else {
        "plain instructions"
    }
}

fn pdfium_place() -> String {
    let found = std::env::current_exe()
        .ok()
        .and_then(|program| find_pdfium(&program));
    match found {
        Some(path) => path.canonicalize().unwrap_or(path).display().to_string(),
        None => "missing: `libpdfium.so` lies neither beside this program nor in `../lib/ids/`".to_owned(),
    }
}
