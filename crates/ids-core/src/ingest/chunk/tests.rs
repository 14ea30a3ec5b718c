//! What chunks promise: (1) they cover the body text and nothing else; (2) their spans, cut from their pages and joined
//! by a line feed, are their content; (3) none crosses a top heading; (4) title and headings are counted among the
//! terms and never stand in the content.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::{ChunkSettings, chunk_pages};
use crate::chunk::NewChunk;
use crate::page::{Block, BlockKind, Page};
use crate::ports::Tokenizer;
use crate::span::CharSpan;

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
