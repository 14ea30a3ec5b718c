//! Columns that were written line by line across the page: their lines are put in the order of reading.
//!
//! Nearly all programs write one column after the other, and then the order of the content is kept: see [`super::lines`].

use super::lines::Line;

/// Pairs of lines side by side from which on a page may be one of columns: fewer stand in any form or title.
const PAIRS: usize = 6;
/// What parts two columns is at least so wide, in font sizes.
const GUTTER: f32 = 0.8;
/// Lines of running text fill at least so much of their column, and have at least so many words; cells of a table do not.
const FILLED: f32 = 0.7;
const WORDS: usize = 4;
/// Columns of columns are followed so deep: four columns of a newspaper.
const DEPTH: u32 = 2;

/// Puts lines that alternate between columns of running text into the order of reading.
pub(crate) fn sort(lines: &mut Vec<Line>) {
    sort_part(lines, DEPTH);
}

fn sort_part(lines: &mut Vec<Line>, depth: u32) {
    let gaps = gaps(lines);
    if depth == 0 || gaps.len() < PAIRS {
        return;
    }
    let Some(gutter) = gutter(&gaps) else { return };
    let mut sorted = Vec::with_capacity(lines.len());
    let mut region = Vec::new();
    for line in lines.drain(..) {
        if line.area.left < gutter && line.area.right > gutter {
            end_region(&mut region, &mut sorted, gutter, depth);
            sorted.push(line);
        } else {
            region.push(line);
        }
    }
    end_region(&mut region, &mut sorted, gutter, depth);
    *lines = sorted;
}

/// Writes the lines between two that run over the gutter: column by column when they are that.
fn end_region(region: &mut Vec<Line>, sorted: &mut Vec<Line>, gutter: f32, depth: u32) {
    let lines = std::mem::take(region);
    if gaps(&lines).len() < PAIRS {
        sorted.extend(lines);
        return;
    }
    let (mut left, mut right): (Vec<Line>, Vec<Line>) =
        lines.iter().cloned().partition(|line| line.area.left < gutter);
    if !(is_running_text(&left) && is_running_text(&right)) {
        sorted.extend(lines);
        return;
    }
    sort_part(&mut left, depth - 1);
    sort_part(&mut right, depth - 1);
    sorted.extend(left);
    sorted.extend(right);
}

/// The gaps between lines that follow each other side by side. Baselines of columns differ by hairs, so the right one may
/// come first.
fn gaps(lines: &[Line]) -> Vec<(f32, f32)> {
    let gap = |pair: &[Line]| {
        let (one, other) = (&pair[0], &pair[1]);
        let (left, right) = if one.area.left <= other.area.left {
            (one, other)
        } else {
            (other, one)
        };
        let (from, to) = (left.area.right, right.area.left);
        let is_gap = one.area.is_beside(&other.area) && to - from > GUTTER * one.size.min(other.size);
        is_gap.then_some((from, to))
    };
    lines.windows(2).filter_map(gap).collect()
}

/// The place that most gaps share; `None` unless most of them do.
fn gutter(gaps: &[(f32, f32)]) -> Option<f32> {
    let mut ends: Vec<(f32, i32)> = gaps
        .iter()
        .flat_map(|&(from, to)| [(from, 1), (to, -1)])
        .collect();
    ends.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    let (mut open, mut best, mut place) = (0, 0, None);
    for (index, &(x, step)) in ends.iter().enumerate() {
        open += step;
        if open > best {
            best = open;
            let until = ends.get(index + 1).map_or(x, |&(next, _)| next);
            place = Some((x + until) / 2.0);
        }
    }
    place.filter(|_| best as usize * 3 >= gaps.len())
}

/// Whether the lines of a column are a text that fills it, and no cells.
fn is_running_text(lines: &[Line]) -> bool {
    let left = lines
        .iter()
        .map(|line| line.area.left)
        .fold(f32::INFINITY, f32::min);
    let right = lines.iter().map(|line| line.area.right).fold(0.0, f32::max);
    let width = (right - left).max(1.0);
    let filled = lines
        .iter()
        .filter(|line| {
            (line.area.right - line.area.left) > FILLED * width && line.text.split(' ').count() >= WORDS
        })
        .count();
    lines.len() >= PAIRS && filled * 2 > lines.len()
}

#[cfg(test)]
mod tests {
    use super::sort;
    use crate::pdf::lines::{Line, line};

    fn texts(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn columns_written_across_are_read_one_after_the_other() {
        let mut lines = vec![line("Um título que vai de um lado ao outro", 60.0, 60.0, 420.0)];
        for row in 0_u8..8 {
            let top = 100.0 + 12.0 * f32::from(row);
            let left = line(&format!("esquerda com quatro palavras {row}"), 60.0, top, 190.0);
            let right = line(
                &format!("direita com quatro palavras {row}"),
                280.0,
                top + 0.2,
                190.0,
            );
            // Whichever stands a hair higher comes first.
            if row % 3 == 0 {
                lines.extend([right, left]);
            } else {
                lines.extend([left, right]);
            }
        }
        lines.push(line("Página 1", 250.0, 800.0, 40.0));
        sort(&mut lines);
        let found = texts(&lines);
        assert_eq!(found[0], "Um título que vai de um lado ao outro");
        assert!(
            found[1..9].iter().all(|text| text.starts_with("esquerda")),
            "{found:?}"
        );
        assert!(
            found[9..17].iter().all(|text| text.starts_with("direita")),
            "{found:?}"
        );
        assert_eq!(found[17], "Página 1");
    }

    #[test]
    fn cells_of_a_table_stay_row_by_row() {
        let mut lines = Vec::new();
        for row in 0_u8..9 {
            let top = 100.0 + 16.0 * f32::from(row);
            lines.push(line(&format!("Item {row}"), 60.0, top, 40.0));
            lines.push(line("1.500,00", 280.0, top, 45.0));
        }
        let before: Vec<String> = texts(&lines).iter().map(|&text| text.to_owned()).collect();
        sort(&mut lines);
        assert_eq!(texts(&lines), before);
    }
}
