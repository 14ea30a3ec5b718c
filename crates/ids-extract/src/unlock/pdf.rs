//! A PDF without its protection: pdfium writes the document anew, with all that is in it.

use std::ffi::{c_int, c_ulong, c_void};
use std::fs::File;
use std::io::Read;

use pdfium_render::prelude::{PdfiumError, PdfiumInternalError, PdfiumLibraryBindingsAccessor};

use crate::output::ParseError;
use crate::pdf::Engine;

/// `FPDF_REMOVE_SECURITY` of fpdf_save.h.
const REMOVE_SECURITY: c_ulong = 3;

/// `FPDF_FILEWRITE` of fpdf_save.h, and what is written to it.
#[repr(C)]
struct Copy {
    version: c_int,
    write_block: Option<unsafe extern "C" fn(*mut Copy, *const c_void, c_ulong) -> c_int>,
    bytes: Vec<u8>,
}

/// The unprotected bytes; `None` when the file opens without a password.
pub(super) fn unlock(engine: &Engine, mut file: File, password: &str) -> Result<Option<Vec<u8>>, ParseError> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(ParseError::Input)?;
    match engine.pdfium().load_pdf_from_byte_slice(&bytes, None) {
        Ok(_) => return Ok(None),
        Err(PdfiumError::PdfiumLibraryInternalError(
            PdfiumInternalError::PasswordError | PdfiumInternalError::SecurityError,
        )) => {}
        Err(_) => return Err(ParseError::Corrupt("its structure is damaged")),
    }
    // A password with a zero in it cannot be passed on, nor be one.
    if password.contains('\0') {
        return Err(ParseError::Encrypted);
    }
    save(engine, &bytes, password)
}

#[expect(
    unsafe_code,
    reason = "the safe layer has no way to save a document without its security"
)]
fn save(engine: &Engine, bytes: &[u8], password: &str) -> Result<Option<Vec<u8>>, ParseError> {
    let library = engine.pdfium().bindings();
    let mut copy = Copy {
        version: 1,
        write_block: Some(write_block),
        bytes: Vec::new(),
    };
    // SAFETY: `bytes` outlives the document, which is closed below; the handle comes from the load right before and is used by
    // this thread alone; `copy` begins as the library's structure does, stays where it is until the call returns, and the library
    // gives its address to `write_block` and keeps it no longer.
    let is_saved = unsafe {
        let document = library.FPDF_LoadMemDocument64(bytes, Some(password));
        if document.is_null() {
            return Err(ParseError::Encrypted);
        }
        let saved = library.FPDF_SaveAsCopy(document, (&raw mut copy).cast(), REMOVE_SECURITY);
        library.FPDF_CloseDocument(document);
        saved != 0
    };
    if is_saved && !copy.bytes.is_empty() {
        Ok(Some(copy.bytes))
    } else {
        Err(ParseError::Corrupt("it cannot be saved without its protection"))
    }
}

#[expect(unsafe_code, reason = "called by the library, with pointers")]
unsafe extern "C" fn write_block(copy: *mut Copy, data: *const c_void, size: c_ulong) -> c_int {
    let Ok(size) = usize::try_from(size) else { return 0 };
    // SAFETY: `copy` is the address that `save` gave to the library, which hands it back during that call only; `data` points to `size`
    // bytes of the library's that stay for the time of this call.
    unsafe {
        (*copy)
            .bytes
            .extend_from_slice(std::slice::from_raw_parts(data.cast::<u8>(), size));
    }
    1
}
