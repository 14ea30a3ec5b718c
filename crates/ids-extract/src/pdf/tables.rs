//! Tables: rows of cells whose columns line up. Only what is certain becomes a table; all else stays as lines.

use std::ops::Range;

use super::lines::Line;

/// Rows of a table, and columns of it.
const ROWS: usize = 3;
const COLUMNS: Range<usize> = 2..31;
/// Rows of one table are at most so far apart, in font sizes.
const PITCH: f32 = 4.5;
/// Between two columns lies at least so much, in font sizes.
const GUTTER: f32 = 0.4;
/// The cells of a column begin, end or have their middle at one place, but for this much in font sizes.
const ALIGNED: f32 = 0.7;
/// A cell has no more characters: what has is a column of text.
const CELL_CHARS: usize = 90;

/// A table among the lines of a page.
pub(crate) struct Table {
    /// Its lines.
    pub(crate) lines: Range<usize>,
    /// For each row the index of the line in each column, where there is one.
    pub(crate) rows: Vec<Vec<Option<usize>>>,
}

/// The tables of a page, in order.
pub(crate) fn find(lines: &[Line]) -> Vec<Table> {
    let rows = rows(lines);
    let mut tables = Vec::new();
    let mut from = 0;
    while from < rows.len() {
        let mut to = from;
        while to < rows.len()
            && rows[to].len() >= 2
            && (to == from || are_near(lines, &rows[to - 1], &rows[to]))
        {
            to += 1;
        }
        // The longest beginning of the run that lines up: a table may be followed by something else side by side.
        let found = (from + ROWS..=to)
            .rev()
            .take(8)
            .find_map(|end| table_of(lines, &rows[from..end]));
        match found {
            Some(table) => {
                from += table.rows.len();
                tables.push(table);
            }
            None => {
                from = if to > from + ROWS {
                    from + 1
                } else {
                    to.max(from + 1)
                }
            }
        }
    }
    tables
}

/// Groups lines that follow each other side by side, from left to right.
fn rows(lines: &[Line]) -> Vec<Range<usize>> {
    let mut rows: Vec<Range<usize>> = Vec::new();
    for at in 0..lines.len() {
        let goes_on = at > 0 && {
            let (before, line) = (&lines[at - 1].area, &lines[at].area);
            before.is_beside(line) && line.left > before.right && !lines[at - 1].joined
        };
        match rows.last_mut() {
            Some(row) if goes_on => row.end = at + 1,
            _ => rows.push(at..at + 1),
        }
    }
    rows
}

/// Whether a row is the next one of a table.
fn are_near(lines: &[Line], before: &Range<usize>, row: &Range<usize>) -> bool {
    let (above, below) = (&lines[before.start], &lines[row.start]);
    let step = below.area.top - above.area.top;
    step > 0.0 && step <= PITCH * above.size.max(below.size)
}

/// The table that rows make when their cells line up.
fn table_of(lines: &[Line], rows: &[Range<usize>]) -> Option<Table> {
    let all = rows.first()?.start..rows.last()?.end;
    let cells = &lines[all.clone()];
    let has_text = |cell: &Line| {
        cell.text.chars().count() <= CELL_CHARS && !cell.text.contains("...") && !cell.text.contains(". . ")
    };
    if !cells.iter().all(has_text) {
        return None;
    }
    let columns = columns(cells)?;
    let column_of = |line: &Line| {
        columns
            .iter()
            .position(|&(left, right)| line.area.left >= left && line.area.right <= right)
    };
    let mut grid = Vec::with_capacity(rows.len());
    for row in rows {
        let mut places = vec![None; columns.len()];
        for at in row.clone() {
            let place = &mut places[column_of(&lines[at])?];
            if place.is_some() {
                return None;
            }
            *place = Some(at);
        }
        grid.push(places);
    }
    let are_aligned = (0..columns.len()).all(|column| {
        let cells: Vec<&Line> = grid
            .iter()
            .filter_map(|row| row[column])
            .map(|at| &lines[at])
            .collect();
        // The first is the name of the column, which may stand elsewhere.
        is_aligned(&cells[usize::from(cells.len() > 2)..])
    });
    let is_full = cells.len() * 5 >= columns.len() * rows.len() * 3;
    (are_aligned && is_full && !is_contents(lines, &grid)).then_some(Table {
        lines: all,
        rows: grid,
    })
}

/// The columns that the cells fall into: their ranges, merged where they overlap.
fn columns(cells: &[Line]) -> Option<Vec<(f32, f32)>> {
    let mut ranges: Vec<(f32, f32)> = cells
        .iter()
        .map(|cell| (cell.area.left, cell.area.right))
        .collect();
    ranges.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let size = cells
        .iter()
        .map(|cell| cell.size)
        .fold(f32::INFINITY, f32::min)
        .clamp(1.0, 100.0);
    let mut columns: Vec<(f32, f32)> = Vec::new();
    for (left, right) in ranges {
        match columns.last_mut() {
            Some(last) if left < last.1 + GUTTER * size => last.1 = last.1.max(right),
            _ => columns.push((left, right)),
        }
    }
    COLUMNS.contains(&columns.len()).then_some(columns)
}

/// Whether cells begin, end, or have their middle at one place.
fn is_aligned(cells: &[&Line]) -> bool {
    let places: [fn(&Line) -> f32; 3] = [
        |cell| cell.area.left,
        |cell| cell.area.right,
        |cell| (cell.area.left + cell.area.right) / 2.0,
    ];
    places.iter().any(|place| {
        let Some(first) = cells.first() else { return true };
        let near = |cell: &&&Line| (place(cell) - place(first)).abs() <= ALIGNED * cell.size.max(1.0);
        cells.iter().filter(near).count() * 5 >= cells.len() * 4
    })
}

/// Whether it is a table of contents: two columns, the second one of page numbers that rise.
fn is_contents(lines: &[Line], grid: &[Vec<Option<usize>>]) -> bool {
    let mut last = 0;
    grid.iter().all(|row| {
        let [Some(_), Some(number)] = row.as_slice() else {
            return false;
        };
        let text = &lines[*number].text;
        let Ok(number) = text.parse::<u32>() else {
            return false;
        };
        let rises = number >= last;
        last = number;
        rises
    })
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::pdf::lines::{Line, line};

    /// Rows of cells at 60, 250 and, ending there, 500.
    fn page(rows: &[[&str; 3]]) -> Vec<Line> {
        let mut lines = Vec::new();
        for (number, row) in rows.iter().enumerate() {
            let top = 100.0 + 16.0 * number as f32;
            for (column, text) in row.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
                let width = 5.0 * text.chars().count() as f32;
                let left = [60.0, 250.0, 500.0 - width][column];
                lines.push(line(text, left, top, width));
            }
        }
        lines
    }

    #[test]
    fn rows_whose_cells_line_up_are_a_table() {
        let mut lines = vec![line(
            "Um parágrafo que vem antes da tabela, de um lado ao outro.",
            60.0,
            70.0,
            430.0,
        )];
        lines.extend(page(&[
            ["Item", "Unidade", "Valor"],
            ["Papel", "pacote", "1.500,00"],
            ["Água mineral", "", "9,90"],
            ["Luz", "kWh", "120.000,00"],
        ]));
        lines.push(line("Um parágrafo que vem depois.", 60.0, 200.0, 180.0));
        let tables = find(&lines);
        assert_eq!(tables.len(), 1);
        assert_eq!(tables[0].lines, 1..12);
        assert_eq!(tables[0].rows[2], [Some(7), None, Some(8)]);
    }

    #[test]
    fn what_does_not_line_up_is_none() {
        let few = page(&[["a", "b", "c"], ["d", "e", "f"]]);
        let contents = page(&[
            ["Do objeto", "", "1"],
            ["Do prazo", "", "3"],
            ["Da multa", "", "12"],
        ]);
        let leaders = page(&[
            ["Do objeto ......", "x", "1"],
            ["Do prazo .....", "y", "3"],
            ["Da multa ....", "z", "2"],
        ]);
        let long = "uma frase longa demais para ser uma célula, que segue e segue até passar do limite de noventa letras";
        let text = page(&[[long, "", "b"], ["c", "", "d"], ["e", "", "f"]]);
        let mut ragged = page(&[["a", "b", "c"], ["d", "e", "f"], ["g", "h", "i"]]);
        for (number, line) in ragged.iter_mut().enumerate() {
            line.area.left += 17.0 * (number % 4) as f32;
            line.area.right += 31.0 * (number % 5) as f32;
        }
        for lines in [few, contents, leaders, text, ragged, Vec::new()] {
            assert!(find(&lines).is_empty(), "{lines:?}");
        }
    }
}
