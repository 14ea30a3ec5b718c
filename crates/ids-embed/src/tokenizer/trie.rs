//! All pieces of the vocabulary as a tree of bytes, in three flat arrays.

use std::collections::VecDeque;

/// No piece ends here.
const NO_PIECE: u32 = u32::MAX;
/// No child for this byte.
const NO_NODE: u32 = u32::MAX;

/// The children of a node lie side by side, by rising byte.
struct Node {
    first_child: u32,
    children: u16,
    byte: u8,
    piece: u32,
}

/// Finds every piece a text starts with, shortest first.
pub(super) struct Trie {
    nodes: Vec<Node>,
    /// The node of each possible first byte: a direct look-up where most searches end.
    roots: Box<[u32; 256]>,
}

/// Pieces that share their first `depth` bytes and wait to become the children of `parent`.
struct Group {
    parent: usize,
    start: usize,
    end: usize,
    depth: usize,
}

impl Trie {
    /// `entries`: bytes (not empty, no two alike) and id of each piece.
    pub fn new(mut entries: Vec<(&[u8], u32)>) -> Self {
        entries.sort_unstable();
        let mut trie = Self {
            nodes: Vec::new(),
            roots: Box::new([NO_NODE; 256]),
        };
        let mut waiting = VecDeque::new();
        trie.add_children(&entries, 0, entries.len(), 0, &mut waiting);
        for (index, node) in trie.nodes.iter().enumerate() {
            trie.roots[usize::from(node.byte)] = index as u32;
        }
        // Breadth first, so that all children of a node are added in one go.
        while let Some(Group {
            parent,
            start,
            end,
            depth,
        }) = waiting.pop_front()
        {
            let first_child = trie.nodes.len();
            trie.add_children(&entries, start, end, depth, &mut waiting);
            trie.nodes[parent].first_child = first_child as u32;
            trie.nodes[parent].children = (trie.nodes.len() - first_child) as u16; // at most 256, one a byte
        }
        trie.nodes.shrink_to_fit();
        trie
    }

    /// Adds one node for each byte found at `depth` in the sorted `entries[start..end]`.
    fn add_children(
        &mut self,
        entries: &[(&[u8], u32)],
        start: usize,
        end: usize,
        depth: usize,
        waiting: &mut VecDeque<Group>,
    ) {
        let mut next = start;
        while next < end {
            let (bytes, id) = entries[next];
            let Some(&byte) = bytes.get(depth) else {
                next += 1; // the piece that ends at the parent
                continue;
            };
            let group_start = next;
            while next < end && entries[next].0.get(depth) == Some(&byte) {
                next += 1;
            }
            let piece = if bytes.len() == depth + 1 { id } else { NO_PIECE };
            let parent = self.nodes.len();
            self.nodes.push(Node {
                first_child: 0,
                children: 0,
                byte,
                piece,
            });
            waiting.push_back(Group {
                parent,
                start: group_start,
                end: next,
                depth: depth + 1,
            });
        }
    }

    /// Calls `found` with length in bytes and id of each piece that `text` starts with.
    pub fn for_each_prefix(&self, text: &[u8], mut found: impl FnMut(usize, u32)) {
        let Some((&first, rest)) = text.split_first() else {
            return;
        };
        let root = self.roots[usize::from(first)];
        if root == NO_NODE {
            return;
        }
        let mut node = &self.nodes[root as usize];
        let mut length = 1;
        for byte in rest {
            if node.piece != NO_PIECE {
                found(length, node.piece);
            }
            let first_child = node.first_child as usize;
            let children = &self.nodes[first_child..first_child + usize::from(node.children)];
            let Ok(child) = children.binary_search_by_key(byte, |child| child.byte) else {
                return;
            };
            node = &children[child];
            length += 1;
        }
        if node.piece != NO_PIECE {
            found(length, node.piece);
        }
    }
}
