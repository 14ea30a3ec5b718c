//! What chunks promise: (1) they cover the body text and nothing else; (2) their spans, cut from their pages and joined
//! by a line feed, are their content; (3) none crosses a top heading; (4) title and headings are counted among the
//! terms and never stand in the content; (5) none has more tokens than asked for; (6) two share text only where a
//! paragraph is cut; (7) a table that fits is whole; (8) in a text of law each knows how it is cited; (9) footnotes are
//! in chunks of their own, behind those of their section.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::{ChunkSettings, chunk_pages};
use crate::chunk::NewChunk;
use crate::page::{Block, BlockKind, Page};
use crate::ports::Tokenizer;
use crate::span::{CharSpan, PageSpan};

struct Words;

impl Tokenizer for Words {
    fn count(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

const SMALL: ChunkSettings = ChunkSettings { size: 8, overlap: 3 };

/// A page of blocks, each parted from the next by a blank line.
fn page(number: u32, blocks: &[(BlockKind, &str)]) -> Page {
    let mut page = Page {
        number,
        ..Page::default()
    };
    for (kind, text) in blocks {
        if !page.text.is_empty() {
            page.text.push_str("\n\n");
        }
        let start = page.text.chars().count() as u32;
        page.text.push_str(text);
        let end = page.text.chars().count() as u32;
        page.blocks.push(Block {
            kind: *kind,
            span: CharSpan::new(start, end),
        });
    }
    page
}

/// The chunks, and how often others had their turn meanwhile.
fn chunked(pages: &[Page], title: &str, settings: ChunkSettings) -> (Vec<NewChunk>, usize) {
    let mut chunking = pin!(chunk_pages(pages, title, settings, &Words));
    let mut context = Context::from_waker(Waker::noop());
    let mut turns = 0;
    loop {
        match chunking.as_mut().poll(&mut context) {
            Poll::Ready(chunks) => return (chunks, turns),
            Poll::Pending => turns += 1,
        }
    }
}

fn heading(level: u8) -> BlockKind {
    BlockKind::Heading { level }
}

#[test]
fn a_chunk_from_the_middle_of_a_table_knows_its_first_row() {
    let rows: Vec<String> = (1..=9)
        .map(|number| format!("| mês {number} | {number}00,00 |"))
        .collect();
    let table = format!("| Mês | Valor pago |\n| --- | --- |\n{}", rows.join("\n"));
    let pages = [page(1, &[(heading(1), "Despesas"), (BlockKind::Table, &table)])];
    let settings = ChunkSettings { size: 20, overlap: 0 };
    let (chunks, _) = chunked(&pages, "", settings);
    assert!(chunks.len() > 2, "{chunks:?}");
    assert_eq!(chunks[0].heading.as_deref(), Some("Despesas"));
    for chunk in &chunks[1..] {
        assert_eq!(chunk.heading.as_deref(), Some("Despesas › Mês | Valor pago"));
        assert!(!chunk.content.contains("Valor"), "context is never content");
        let names_are_found = ids_text::index_terms("pago")
            .iter()
            .all(|term| chunk.terms.iter().any(|(own, _)| own == term));
        assert!(names_are_found);
    }
}

#[test]
fn a_paragraph_that_runs_over_a_page_gives_a_chunk_with_two_spans() {
    let pages = [
        page(
            1,
            &[
                (BlockKind::Paragraph, "um dois três."),
                (BlockKind::Footer, "página 1"),
            ],
        ),
        page(
            2,
            &[
                (BlockKind::Header, "Edital"),
                (BlockKind::Paragraph, "quatro cinco."),
            ],
        ),
    ];
    let (chunks, _) = chunked(&pages, "", SMALL);
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].content, "um dois três.\nquatro cinco.");
    assert_eq!(
        chunks[0]
            .spans
            .iter()
            .map(|span| span.page_number)
            .collect::<Vec<_>>(),
        [1, 2]
    );
}

#[test]
fn a_footnote_does_not_part_the_sentence_that_runs_over_its_page() {
    let pages = [
        page(
            1,
            &[
                (heading(1), "Prazo"),
                (BlockKind::Paragraph, "O prazo é de"),
                (BlockKind::Footnote, "1 Lei 8.666."),
                (BlockKind::Footnote, "2 Revogada."),
                (BlockKind::Footer, "página 1"),
            ],
        ),
        page(
            2,
            &[
                (BlockKind::Paragraph, "dez dias."),
                (BlockKind::Footnote, "3 Corridos."),
                (heading(1), "Multa"),
                (BlockKind::Paragraph, "Dez por cento."),
            ],
        ),
    ];
    let (chunks, _) = chunked(&pages, "", SMALL);
    let shown: Vec<_> = chunks
        .iter()
        .map(|chunk| (chunk.heading.as_deref(), chunk.content.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (Some("Prazo"), "Prazo\n\nO prazo é de\ndez dias."),
            (Some("Prazo"), "1 Lei 8.666.\n\n2 Revogada.\n3 Corridos."),
            (Some("Multa"), "Multa\n\nDez por cento."),
        ]
    );
}

#[test]
fn no_chunk_crosses_a_top_heading_and_each_knows_its_headings() {
    let pages = [page(
        1,
        &[
            (heading(1), "Objeto"),
            (BlockKind::Paragraph, "Compra de pneus."),
            (heading(2), "Prazo"),
            (
                BlockKind::Paragraph,
                "Dez dias contados da assinatura do contrato.",
            ),
            (heading(1), "Sanções"),
            (BlockKind::Paragraph, "Multa."),
        ],
    )];
    let (chunks, _) = chunked(&pages, "Edital 5", SMALL);
    let shown: Vec<_> = chunks
        .iter()
        .map(|chunk| (chunk.heading.as_deref(), chunk.content.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (Some("Objeto"), "Objeto\n\nCompra de pneus."),
            (
                Some("Objeto › Prazo"),
                "Prazo\n\nDez dias contados da assinatura do contrato."
            ),
            (Some("Sanções"), "Sanções\n\nMulta."),
        ]
    );
    let title_term = ids_text::index_terms("Edital").remove(0);
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk.terms.iter().any(|(term, _)| *term == title_term))
    );
    let length: u32 = chunks[2].terms.iter().map(|(_, count)| count).sum();
    assert_eq!(chunks[2].length, length);
}

#[test]
fn a_table_that_fits_is_never_cut() {
    let table = "| a | b |\n| c | d |";
    let pages = [page(
        1,
        &[
            (BlockKind::Paragraph, "um dois."),
            (BlockKind::Table, table),
            (BlockKind::Paragraph, "três."),
        ],
    )];
    let settings = ChunkSettings { size: 10, overlap: 3 };
    let (chunks, _) = chunked(&pages, "", settings);
    let contents: Vec<&str> = chunks.iter().map(|chunk| chunk.content.as_str()).collect();
    assert_eq!(contents, ["um dois.", table, "três."]);
}

#[test]
fn chunks_of_a_law_begin_with_its_parts_and_know_how_they_are_cited() {
    let pages = [
        page(
            1,
            &[
                (heading(1), "LEI Nº 14.133, DE 1º DE ABRIL DE 2021"),
                (
                    BlockKind::Paragraph,
                    "Art. 74. É inexigível a licitação.\nI - materiais de um só fornecedor;\nII - serviços técnicos;",
                ),
                (BlockKind::Footer, "página 1"),
            ],
        ),
        page(
            2,
            &[(
                BlockKind::Paragraph,
                "Art. 75. É dispensável a licitação:\nI - obras e serviços de engenharia.",
            )],
        ),
    ];
    let (chunks, _) = chunked(&pages, "lei", ChunkSettings { size: 9, overlap: 3 });
    let shown: Vec<_> = chunks
        .iter()
        .map(|chunk| (chunk.heading.as_deref().unwrap(), chunk.content.as_str()))
        .collect();
    let title = "LEI Nº 14.133, DE 1º DE ABRIL DE 2021";
    let path = |reference: &str| format!("{title} › Lei 14.133/2021, {reference}");
    assert_eq!(
        shown,
        [
            (title, title),
            (path("art. 74").as_str(), "Art. 74. É inexigível a licitação."),
            (path("art. 74, I").as_str(), "I - materiais de um só fornecedor;"),
            (path("art. 74, II").as_str(), "II - serviços técnicos;"),
            (path("art. 75").as_str(), "Art. 75. É dispensável a licitação:"),
            (path("art. 75, I").as_str(), "I - obras e serviços de engenharia."),
        ]
    );
    // A question that names the place finds it by its words.
    let asked = ids_text::index_terms("14.133/2021").remove(0);
    assert!(chunks[2].terms.iter().any(|(term, _)| *term == asked));
}

#[test]
fn others_get_their_turn_after_each_page() {
    let pages: Vec<Page> = (1..=20)
        .map(|number| page(number, &[(BlockKind::Paragraph, "um dois três.")]))
        .collect();
    let (_, turns) = chunked(&pages, "", SMALL);
    assert!(turns >= pages.len(), "{turns} turns");
}

fn any_kind() -> impl Strategy<Value = BlockKind> {
    prop_oneof![
        Just(BlockKind::Paragraph),
        Just(BlockKind::ListItem),
        Just(BlockKind::Table),
        (1u8..4).prop_map(|level| BlockKind::Heading { level }),
        Just(BlockKind::Header),
        Just(BlockKind::Footer),
        Just(BlockKind::Footnote),
    ]
}

fn any_pages() -> impl Strategy<Value = Vec<Page>> {
    let block = (any_kind(), "[a-zçã]{1,9}([ \\n][a-zçã]{1,9}[.,]?){0,25}");
    prop::collection::vec(prop::collection::vec(block, 0..6), 1..6).prop_map(|pages| {
        pages
            .iter()
            .enumerate()
            .map(|(index, blocks)| {
                let blocks: Vec<_> = blocks.iter().map(|(kind, text)| (*kind, text.as_str())).collect();
                page(index as u32 + 1, &blocks)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn chunks_cover_the_body_and_nothing_else(pages in any_pages(), size in 1usize..20, overlap in 0usize..10) {
        let (chunks, _) = chunked(&pages, "t", ChunkSettings { size, overlap });
        let mut covered: Vec<Vec<bool>> =
            pages.iter().map(|page| vec![false; page.text.chars().count()]).collect();
        for (index, chunk) in chunks.iter().enumerate() {
            prop_assert_eq!(chunk.chunk_index as usize, index);
            let parts: Vec<&str> = chunk
                .spans
                .iter()
                .map(|span| span.span.slice(&pages[span.page_number as usize - 1].text))
                .collect();
            prop_assert_eq!(parts.join("\n"), chunk.content.clone());
            for span in &chunk.spans {
                let page = &mut covered[span.page_number as usize - 1];
                page[span.span.start as usize..span.span.end as usize].fill(true);
            }
        }
        for chunk in &chunks {
            prop_assert!(Words.count(&chunk.content) <= size, "{} words", Words.count(&chunk.content));
            let top_headings = chunk.spans.iter().enumerate().flat_map(|(part, span)| {
                let blocks = &pages[span.page_number as usize - 1].blocks;
                blocks.iter().filter(move |block| {
                    let is_first = part == 0 && block.span.start <= span.span.start;
                    let is_inside = block.span.start < span.span.end && block.span.start >= span.span.start;
                    block.kind == heading(1) && is_inside && !is_first
                })
            });
            prop_assert_eq!(top_headings.count(), 0, "a chunk crosses a top heading");
        }
        for pair in chunks.windows(2) {
            let (last, first) = (pair[0].spans.last().unwrap(), &pair[1].spans[0]);
            // Footnotes stand behind their section: what comes after them, or they, may stand further up.
            let is_note = |span: &PageSpan| {
                let blocks = &pages[span.page_number as usize - 1].blocks;
                blocks.iter().any(|block| block.kind == BlockKind::Footnote && block.span.start <= span.span.start && span.span.start < block.span.end)
            };
            let overlaps = (first.page_number, first.span.start) < (last.page_number, last.span.end);
            if overlaps && is_note(first) == is_note(last) && first.page_number == last.page_number && last.span.start < first.span.end {
                let blocks = &pages[last.page_number as usize - 1].blocks;
                // One paragraph, or a heading with the paragraph after it, holds what both have.
                let holds = |end: usize| {
                    blocks[end].span.start <= first.span.start && last.span.end <= blocks[end].span.end
                };
                let with_heading = |end: usize| {
                    let from = blocks[..end].iter().rposition(|block| !matches!(block.kind, BlockKind::Heading { .. } | BlockKind::Header | BlockKind::Footer | BlockKind::Footnote));
                    let from = from.map_or(0, |before| before + 1);
                    blocks[from].span.start <= first.span.start && last.span.end <= blocks[end].span.end
                };
                prop_assert!((0..blocks.len()).any(|end| holds(end) || with_heading(end)));
            }
        }
        for (page, covered) in pages.iter().zip(&covered) {
            for (position, character) in page.text.chars().enumerate() {
                if character.is_whitespace() {
                    continue;
                }
                let body = page.blocks.iter().any(|block| {
                    block.kind.is_body()
                        && (block.span.start as usize..block.span.end as usize).contains(&position)
                });
                prop_assert_eq!(covered[position], body, "character {} of page {}", position, page.number);
            }
        }
    }
}
