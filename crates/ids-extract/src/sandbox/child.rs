//! The child: limits first, then one document from standard input to frames on standard output: its text, or the picture of
//! one page.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, StdoutLock};
use std::os::fd::AsFd;
use std::process::ExitCode;

use ids_core::document::ContentType;

use super::wire::{FrameWriter, Request, Task};
use super::{confine, handover};
use crate::output::ParseError;
use crate::{formats, ocr, pdf, picture, unlock};

/// Where frames go.
type Frames = FrameWriter<StdoutLock<'static>>;

/// What `ids` runs for its hidden subcommand `__extract`: `args` are those after the subcommand. Reads the document
/// from standard input, writes frames to standard output, and ends with 0 when it gave an answer, be it a refusal.
///
/// It must be called before anything else starts threads: the limits are set here.
pub fn child_main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(args, answer)
}

/// Runs `parse` under the child's limits. For tests, which put something else in the parsers' place.
#[doc(hidden)]
pub fn child_main_with(args: impl IntoIterator<Item = OsString>, body: impl FnOnce()) -> ExitCode {
    run(args, |_, _| {
        confine::isolate().map_err(ParseError::Input)?;
        body();
        Ok(())
    })
}

fn run(
    args: impl IntoIterator<Item = OsString>,
    body: impl FnOnce(&Request, &mut Frames) -> Result<(), ParseError>,
) -> ExitCode {
    let mut output = FrameWriter::new(io::stdout().lock());
    let result = confined(args).and_then(|request| {
        output.gives_members = request.task == Task::Unpack;
        body(&request, &mut output)
    });
    match output.finish(result) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Reads the request and sets the limits.
fn confined(args: impl IntoIterator<Item = OsString>) -> Result<Request, ParseError> {
    let wrong = || ParseError::Internal("the child was started with a wrong request".to_owned());
    let text = args
        .into_iter()
        .next()
        .ok_or_else(wrong)?
        .into_string()
        .map_err(|_| wrong())?;
    let request: Request = serde_json::from_str(&text).map_err(|_| wrong())?;
    confine::end_with_the_reader().map_err(ParseError::Input)?;
    confine::limit(request.address_space_bytes, request.cpu_seconds).map_err(ParseError::Input)?;
    Ok(request)
}

fn answer(request: &Request, output: &mut Frames) -> Result<(), ParseError> {
    if request.task == Task::Unlock {
        return unlock(request, output);
    }
    let file = File::from(
        io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .map_err(ParseError::Input)?,
    );
    // The library is our own and is loaded before the file system goes away; all else happens after.
    let engine = match request.content_type.as_str() {
        ContentType::PDF => Some(pdf::Engine::load(&request.pdfium)?),
        _ => None,
    };
    let layers = confine::isolate().map_err(ParseError::Input)?;
    if request.task == Task::Report {
        return output.layers(layers);
    }
    if let Task::Draw {
        page_number,
        width_pixels,
    } = request.task
    {
        let png = match engine {
            Some(engine) => engine.draw(file, page_number, width_pixels)?,
            None => picture::draw(&request.content_type, file, page_number, width_pixels)?,
        };
        return output.picture(png.as_deref());
    }
    if let Task::Scan { page_number } = request.task {
        let page = ocr::scan(engine.as_ref(), &request.content_type, file, page_number)?;
        return output.scan(page.as_ref());
    }
    match engine {
        Some(engine) => engine.parse(file, output),
        None => formats::parse(&request.content_type, file, output),
    }
}

/// Writes an unprotected copy. The password comes in before anything foreign is looked at.
fn unlock(request: &Request, output: &mut Frames) -> Result<(), ParseError> {
    let (file, password) = handover::receive().map_err(ParseError::Input)?;
    let engine = match request.content_type.as_str() {
        ContentType::PDF => Some(pdf::Engine::load(&request.pdfium)?),
        _ => None,
    };
    confine::isolate().map_err(ParseError::Input)?;
    let copy = unlock::unlock(file, &password, engine.as_ref())?;
    output.copy(copy.as_deref())
}
