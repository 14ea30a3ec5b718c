//! The pictures drawn last, within so many bytes. The one not looked at for the longest time goes first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::page_images::{PageOriginal, Undrawable};
use crate::page_image::PageImage;

/// What drawing came to.
pub(super) type Drawn = Result<Arc<PageImage>, Undrawable>;

/// What an entry takes beside its picture, generously: key, maps, allocations.
const ENTRY_BYTES: usize = 1_024;

/// Pictures by what they were drawn from.
pub(super) struct PageImageCache {
    limit_bytes: usize,
    bytes: usize,
    entries: HashMap<PageOriginal, Entry>,
    /// When each entry was looked at last, oldest first.
    by_age: BTreeMap<u64, PageOriginal>,
    looks: u64,
}

struct Entry {
    drawn: Drawn,
    looked_at: u64,
}

impl PageImageCache {
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self {
            limit_bytes,
            bytes: 0,
            entries: HashMap::new(),
            by_age: BTreeMap::new(),
            looks: 0,
        }
    }

    pub(super) fn find(&mut self, original: &PageOriginal) -> Option<Drawn> {
        let entry = self.entries.get_mut(original)?;
        self.looks += 1;
        if let Some(key) = self.by_age.remove(&entry.looked_at) {
            self.by_age.insert(self.looks, key);
        }
        entry.looked_at = self.looks;
        Some(entry.drawn.clone())
    }

    /// Keeps what was drawn, unless it would push out most of the others.
    pub(super) fn insert(&mut self, original: PageOriginal, drawn: Drawn) {
        self.remove(&original);
        let size = size_of(&drawn);
        if size > self.limit_bytes / 4 {
            return;
        }
        while self.bytes + size > self.limit_bytes {
            let Some((_, oldest)) = self.by_age.pop_first() else {
                return;
            };
            self.remove(&oldest);
        }
        self.bytes += size;
        self.looks += 1;
        self.by_age.insert(self.looks, original.clone());
        let entry = Entry {
            drawn,
            looked_at: self.looks,
        };
        self.entries.insert(original, entry);
    }

    fn remove(&mut self, original: &PageOriginal) {
        if let Some(entry) = self.entries.remove(original) {
            self.by_age.remove(&entry.looked_at);
            self.bytes -= size_of(&entry.drawn);
        }
    }
}

fn size_of(drawn: &Drawn) -> usize {
    ENTRY_BYTES + drawn.as_ref().map_or(0, |image| image.png.len())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Drawn, ENTRY_BYTES, PageImageCache, Undrawable};
    use crate::document::{BlobKey, ContentType};
    use crate::library::PageOriginal;
    use crate::page_image::{PageImage, PixelSize};

    fn page(number: u32) -> PageOriginal {
        PageOriginal {
            blob: BlobKey("originals/a".to_owned()),
            filename: "a.pdf".to_owned(),
            content_type: ContentType::parse(ContentType::PDF).unwrap(),
            page_number: number,
            width_pixels: 1_200,
        }
    }

    fn picture(bytes: usize) -> Drawn {
        let size = PixelSize { width: 1, height: 1 };
        Ok(Arc::new(PageImage {
            png: vec![0; bytes - ENTRY_BYTES],
            size,
        }))
    }

    fn kept(cache: &mut PageImageCache, pages: u32) -> Vec<u32> {
        let mut numbers: Vec<u32> = (1..=pages)
            .filter(|&number| cache.entries.contains_key(&page(number)))
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers.len(), cache.by_age.len());
        assert_eq!(
            cache.bytes,
            cache
                .entries
                .values()
                .map(|entry| super::size_of(&entry.drawn))
                .sum::<usize>()
        );
        numbers
    }

    #[test]
    fn the_picture_not_looked_at_for_the_longest_time_goes_first() {
        let mut cache = PageImageCache::new(40_000);
        for number in 1..=4 {
            cache.insert(page(number), picture(10_000));
        }
        assert!(cache.find(&page(1)).is_some());

        cache.insert(page(5), picture(10_000));

        assert_eq!(kept(&mut cache, 5), [1, 3, 4, 5]);
    }

    #[test]
    fn a_picture_that_would_push_out_the_others_is_not_kept() {
        let mut cache = PageImageCache::new(40_000);
        cache.insert(page(1), picture(10_000));
        cache.insert(page(2), picture(10_001));
        assert_eq!(kept(&mut cache, 2), [1]);
    }

    #[test]
    fn a_page_drawn_again_takes_its_place_once_and_one_without_picture_takes_some() {
        let mut cache = PageImageCache::new(40_000);
        cache.insert(page(1), picture(10_000));
        cache.insert(page(1), picture(5_000));
        cache.insert(page(2), Err(Undrawable));
        assert_eq!(kept(&mut cache, 2), [1, 2]);
        assert_eq!(cache.bytes, 5_000 + ENTRY_BYTES);
        assert_eq!(cache.find(&page(2)), Some(Err(Undrawable)));
        assert_eq!(cache.find(&page(3)), None);
    }
}
