//! Straightens a page: text lines leave their mark in the sums of rows, sharpest when they are level. So the angle at which
//! these sums differ most from row to row is the skew, and when the sums of columns differ far more, the page lies on its side.
//! Which of two opposite ways it lies only reading tells.

use super::gray::{Gray, before_turning};

/// Angles that are looked at, in degrees, either way: scanners and hands are seldom off by more.
const MOST_SKEW: f32 = 8.0;
const COARSE: f32 = 0.5;
const FINE: f32 = 0.1;
/// Below this, turning costs more sharpness than it gains.
const LEAST_SKEW: f32 = 0.3;
/// The page is looked at in about this width; finer, only grain is added.
const LOOK_WIDTH: u32 = 800;
/// Lines in one direction are believed when they are so much sharper than in the other.
const CLEARER: f64 = 1.5;
/// A page with less ink than this share has nothing to read: dust.
const LEAST_INK: f64 = 0.000_2;

/// A page made ready to be read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prepared {
    /// The page, lines level as far as can be told.
    pub(crate) gray: Gray,
    /// How to get back to where things stood.
    pub(crate) placement: Placement,
    /// Whether there is anything on it.
    pub(crate) has_ink: bool,
}

/// Where points of the prepared page stood before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Placement {
    /// Width and height before.
    pub(crate) source: (u32, u32),
    /// Quarters that it was turned clockwise by.
    pub(crate) quarters: u8,
    /// Degrees that lines fell to the right by after that, and no longer do.
    pub(crate) skew: f32,
    /// Width and height when it was straight.
    pub(crate) straight: (u32, u32),
}

impl Placement {
    /// Where a point of the page stood that was turned by further `quarters` since.
    pub(crate) fn source_of(&self, point: (f32, f32), quarters: u8) -> (f32, f32) {
        let as_f32 = |(width, height): (u32, u32)| (width as f32, height as f32);
        let straight = as_f32(self.straight);
        let (x, y) = before_turning(point, straight, quarters);
        let lying = match self.quarters % 2 {
            0 => as_f32(self.source),
            _ => as_f32((self.source.1, self.source.0)),
        };
        let point = turn((x, y), straight, lying, self.skew);
        before_turning(point, as_f32(self.source), self.quarters)
    }
}

/// Makes a page ready.
pub(crate) fn prepare(gray: Gray) -> Prepared {
    let source = (gray.width, gray.height);
    let ink = Ink::of(&gray);
    let (level_skew, level) = ink.skew(Along::Rows);
    let (upright_skew, upright) = ink.skew(Along::Columns);
    // Lying on its side: a turn, and its lines fall by what its columns did.
    let (quarters, skew) = if upright > level * CLEARER {
        (1, upright_skew)
    } else {
        (0, level_skew)
    };
    let gray = match quarters {
        0 => gray,
        _ => gray.turned(quarters),
    };
    let skew = if skew.abs() < LEAST_SKEW { 0.0 } else { skew };
    let gray = if skew == 0.0 {
        gray
    } else {
        straightened(&gray, skew)
    };
    Prepared {
        placement: Placement {
            source,
            quarters,
            skew,
            straight: (gray.width, gray.height),
        },
        gray,
        has_ink: ink.share > LEAST_INK,
    }
}

#[derive(Debug, Clone, Copy)]
enum Along {
    Rows,
    Columns,
}

/// The dark spots of a page, seen from afar.
struct Ink {
    spots: Vec<(f32, f32)>,
    width: f32,
    height: f32,
    /// Of all that was looked at.
    share: f64,
}

impl Ink {
    fn of(gray: &Gray) -> Self {
        let step = (gray.width / LOOK_WIDTH).max(1) as usize;
        let (width, height) = (gray.width as usize / step, gray.height as usize / step);
        let mut small = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let mut sum = 0_usize;
                for row in y * step..(y + 1) * step {
                    let from = row * gray.width as usize + x * step;
                    sum += gray.pixels[from..from + step]
                        .iter()
                        .map(|&shade| usize::from(shade))
                        .sum::<usize>();
                }
                small.push((sum / (step * step)) as u8);
            }
        }
        let border = threshold(&small);
        let mut spots = Vec::new();
        // The edge of the glass and of the sheet say nothing of the lines.
        let (left, top) = (width / 50, height / 50);
        for y in top..height - top {
            for x in left..width - left {
                if small[y * width + x] < border {
                    spots.push((x as f32, y as f32));
                }
            }
        }
        let share = spots.len() as f64 / (width * height).max(1) as f64;
        Self {
            spots,
            width: width as f32,
            height: height as f32,
            share,
        }
    }

    /// The angle at which lines are sharpest, and how sharp they are there.
    fn skew(&self, along: Along) -> (f32, f64) {
        // More dark than light is a picture, or white on black: its rows say nothing.
        if self.spots.len() < 50 || self.share > 0.5 {
            return (0.0, 0.0);
        }
        let around = |middle: f32, reach: f32, step: f32| {
            let steps = (reach / step).round() as i32;
            let angles = (-steps..=steps).map(move |at| middle + at as f32 * step);
            angles.map(|angle| (angle, self.sharpness(along, angle))).fold(
                (middle, f64::MIN),
                |best, found| if found.1 > best.1 { found } else { best },
            )
        };
        let (coarse, _) = around(0.0, MOST_SKEW, COARSE);
        let (fine, sharpness) = around(coarse, COARSE, FINE);
        // Hardly better than as it is: as it is.
        let level = self.sharpness(along, 0.0);
        if sharpness < level * 1.05 {
            return (0.0, level);
        }
        (fine, sharpness)
    }

    /// How much the ink differs from one line of the grid, inclined by `angle`, to the next.
    fn sharpness(&self, along: Along, angle: f32) -> f64 {
        let (sin, cos) = angle.to_radians().sin_cos();
        let reach = (self.width + self.height) as usize + 2;
        let mut sums = vec![0_u32; reach * 2];
        for &(x, y) in &self.spots {
            let height = match along {
                Along::Rows => y * cos - x * sin,
                // The same on the page turned clockwise: there, x is what y was, and runs from right to left.
                Along::Columns => x * cos - (self.height - y) * sin,
            };
            let at = (height.round() + reach as f32).max(0.0) as usize;
            if let Some(sum) = sums.get_mut(at) {
                *sum += 1;
            }
        }
        let differences = sums
            .windows(2)
            .map(|pair| (f64::from(pair[1]) - f64::from(pair[0])).powi(2));
        differences.sum::<f64>()
    }
}

/// The shade that best parts dark from light (Otsu): the one that leaves least variance on both sides.
fn threshold(shades: &[u8]) -> u8 {
    let mut counts = [0_u64; 256];
    for &shade in shades {
        counts[usize::from(shade)] += 1;
    }
    let all = shades.len() as f64;
    let sum: f64 = counts
        .iter()
        .zip(0_u32..)
        .map(|(&count, shade)| count as f64 * f64::from(shade))
        .sum();
    let (mut below, mut sum_below) = (0.0, 0.0);
    let (mut best, mut border) = (0.0, 128);
    for (shade, &count) in (0_u8..=255).zip(&counts) {
        below += count as f64;
        sum_below += count as f64 * f64::from(shade);
        let above = all - below;
        if below == 0.0 || above == 0.0 {
            continue;
        }
        let apart = sum_below / below - (sum - sum_below) / above;
        let between = below * above * apart * apart;
        if between > best {
            (best, border) = (between, shade.saturating_add(1));
        }
    }
    border
}

/// A point of a page of size `to` on the page of size `from` whose lines fall by `skew` degrees; both turn about their middle.
fn turn((x, y): (f32, f32), to: (f32, f32), from: (f32, f32), skew: f32) -> (f32, f32) {
    let (sin, cos) = skew.to_radians().sin_cos();
    let (x, y) = (x - to.0 / 2.0, y - to.1 / 2.0);
    (x * cos - y * sin + from.0 / 2.0, x * sin + y * cos + from.1 / 2.0)
}

/// The page with its lines level, on a sheet that is large enough for its corners.
fn straightened(gray: &Gray, skew: f32) -> Gray {
    let (width, height) = (gray.width as f32, gray.height as f32);
    let (sin, cos) = skew.to_radians().sin_cos();
    let sin = sin.abs();
    let (wide, high) = (
        (width * cos + height * sin).ceil(),
        (width * sin + height * cos).ceil(),
    );
    let mut pixels = Vec::with_capacity(wide as usize * high as usize);
    for y in 0..high as u32 {
        for x in 0..wide as u32 {
            let middle = (x as f32 + 0.5, y as f32 + 0.5);
            let (from_x, from_y) = turn(middle, (wide, high), (width, height), skew);
            pixels.push(shade_at(gray, from_x - 0.5, from_y - 0.5));
        }
    }
    Gray {
        width: wide as u32,
        height: high as u32,
        pixels,
    }
}

/// The shade between four pixels; white beyond the edge.
fn shade_at(gray: &Gray, x: f32, y: f32) -> u8 {
    let (left, top) = (x.floor(), y.floor());
    let (right_part, lower_part) = (x - left, y - top);
    let at = |x: f32, y: f32| {
        let is_inside = x >= 0.0 && y >= 0.0 && x < gray.width as f32 && y < gray.height as f32;
        match is_inside {
            true => f32::from(gray.pixels[y as usize * gray.width as usize + x as usize]),
            false => 255.0,
        }
    };
    let upper = at(left, top) * (1.0 - right_part) + at(left + 1.0, top) * right_part;
    let lower = at(left, top + 1.0) * (1.0 - right_part) + at(left + 1.0, top + 1.0) * right_part;
    (upper * (1.0 - lower_part) + lower * lower_part).round() as u8
}

#[cfg(test)]
mod tests {
    use super::{Gray, prepare, straightened};

    /// A page of lines of words: dark bars with gaps, ragged at the right.
    fn lines() -> Gray {
        let (width, height) = (800_u32, 1_100_u32);
        let mut pixels = vec![255; (width * height) as usize];
        for line in 0..30_u32 {
            let top = 100 + line * 30;
            let mut x = 80;
            let mut word = 0;
            while x < 600 + (line * 37) % 120 {
                let length = 20 + (word * 13 + line * 7) % 50;
                for y in top..top + 11 {
                    for x in x..x + length {
                        pixels[(y * width + x) as usize] = 20;
                    }
                }
                x += length + 9;
                word += 1;
            }
        }
        Gray::new(width, height, pixels).unwrap()
    }

    #[test]
    fn a_skewed_page_is_made_level() {
        for skew in [-5.0_f32, -1.2, 0.0, 0.7, 3.4] {
            let skewed = match skew {
                0.0 => lines(),
                _ => straightened(&lines(), -skew),
            };
            let prepared = prepare(skewed);
            let found = prepared.placement.skew;
            assert!((found - skew).abs() <= 0.21, "{found} for {skew}");
            assert_eq!(prepared.placement.quarters, 0, "{skew}");
            assert!(prepared.has_ink);
        }
    }

    #[test]
    fn a_page_on_its_side_is_turned_and_points_are_found_again() {
        for (quarters, skew) in [(1, 0.0), (3, 0.0), (1, 2.0), (3, -2.0)] {
            let page = straightened(&lines(), -skew).turned(quarters);
            let prepared = prepare(page.clone());
            assert_eq!(prepared.placement.quarters, 1, "{quarters} {skew}");
            let found = prepared.placement.skew;
            assert!((found - skew).abs() <= 0.21, "{found} for {skew}");
            // A dark spot of the straight page was dark before, and a light one light.
            let straight = &prepared.gray;
            let mut looked_at = 0;
            for y in (0..straight.height).step_by(7) {
                for x in (0..straight.width).step_by(7) {
                    let shade = straight.pixels[(y * straight.width + x) as usize];
                    if !(60..=200).contains(&shade) {
                        let point = (x as f32 + 0.5, y as f32 + 0.5);
                        let (before_x, before_y) = prepared.placement.source_of(point, 0);
                        if before_x < 0.0 || before_y < 0.0 {
                            continue;
                        }
                        let (before_x, before_y) = (before_x as u32, before_y as u32);
                        if before_x < page.width && before_y < page.height {
                            let before = page.pixels[(before_y * page.width + before_x) as usize];
                            assert!(before.abs_diff(shade) < 120, "{point:?}: {shade}, was {before}");
                            looked_at += 1;
                        }
                    }
                }
            }
            assert!(looked_at > 5_000, "{looked_at}");
        }
    }

    #[test]
    fn an_empty_page_has_nothing_to_read() {
        let white = Gray::new(500, 700, vec![250; 350_000]).unwrap();
        let prepared = prepare(white.clone());
        assert!(!prepared.has_ink);
        assert_eq!(prepared.gray, white);
    }
}
