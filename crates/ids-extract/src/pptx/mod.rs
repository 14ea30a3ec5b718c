//! PPTX: a page for each slide in the order of the show, its notes after it.

mod relations;
mod slide;

use std::fs::File;

use ids_core::limits;
use ids_core::page::NoteKind;
use quick_xml::events::Event;

use self::relations::Relations;
use self::slide::{Role, Slide};
use crate::builder::PageBuilder;
use crate::output::{Output, ParseError, page_note};
use crate::package::Package;
use crate::properties;

/// The part that lists the slides.
const PRESENTATION: &str = "ppt/presentation.xml";

/// Writes the pages of a presentation.
pub(crate) fn parse(file: File, output: &mut dyn Output) -> Result<(), ParseError> {
    let mut package = Package::open(file)?;
    let properties = properties::read(&mut package, "docProps/core.xml")?;
    properties.write(output)?;
    let slides = slides(&mut package)?;
    let total = u32::try_from(slides.len())
        .ok()
        .filter(|&total| total <= limits::DOCUMENT_PAGES)
        .ok_or(ParseError::TooLarge("it has more pages than can be indexed"))?;
    output.total(total)?;
    for (part, page_number) in slides.iter().zip(1..) {
        let mut builder = PageBuilder::new(page_number);
        let is_whole = read_slide(&mut package, part, &mut builder)?;
        output.page(builder.finish())?;
        if !is_whole {
            let text = "the slide is damaged; only a part of it was read".to_owned();
            output.note(page_note(page_number, NoteKind::BrokenPage, text))?;
        }
    }
    Ok(())
}

/// The parts of the slides, in order.
fn slides(package: &mut Package) -> Result<Vec<String>, ParseError> {
    let relations = Relations::read(package, PRESENTATION)?;
    let mut slides = Vec::new();
    package.read(PRESENTATION, |event| {
        if let Event::Start(element) | Event::Empty(element) = &event
            && element.local_name().as_ref() == "sldId"
        {
            // The other attribute named `id` is a number; that of the relation has a prefix.
            let id = element
                .attributes()
                .flatten()
                .find(|attribute| attribute.key.as_ref().ends_with(":id"))
                .map(|attribute| attribute.value.into_owned());
            slides.extend(id.and_then(|id| relations.target(&id)));
        }
        Ok(())
    })?;
    if slides.is_empty() {
        return Err(ParseError::Corrupt("it has no slides"));
    }
    Ok(slides)
}

/// Writes a slide, its diagrams and its notes; says whether all of it could be read.
fn read_slide(package: &mut Package, part: &str, builder: &mut PageBuilder) -> Result<bool, ParseError> {
    let relations = Relations::read(package, part)?;
    let mut is_whole = read_part(package, part, Role::Slide, builder)?;
    for diagram in relations.of_kind("/diagramData") {
        is_whole &= read_part(package, &diagram, Role::Diagram, builder)?;
    }
    for notes in relations.of_kind("/notesSlide") {
        is_whole &= read_part(package, &notes, Role::Notes, builder)?;
    }
    Ok(is_whole)
}

fn read_part(
    package: &mut Package,
    part: &str,
    role: Role,
    builder: &mut PageBuilder,
) -> Result<bool, ParseError> {
    if !package.has(part) {
        return Ok(false);
    }
    let mut slide = Slide::new(role, builder);
    let read = package.read(part, |event| slide.take(&event));
    slide.finish()?;
    match read {
        Ok(()) => Ok(true),
        Err(ParseError::Corrupt(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
