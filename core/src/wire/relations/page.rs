//! Pages of answers that are made as a whole: what stands before is left out, and where more follows a cursor leads to it.

use super::{CallList, DependencyList, ImpactReport, MemberList};

/// Leaves so many items; where the next page begins, if there is one.
fn cut<T>(items: &mut Vec<T>, first: usize, most: Option<usize>) -> Option<usize> {
    items.drain(..first.min(items.len()));
    let most = most.filter(|most| items.len() > *most)?;
    items.truncate(most);
    Some(first + most)
}

impl CallList {
    /// The items behind the first `n`, with a cursor to more where there are more.
    #[must_use]
    pub fn behind(mut self, n: usize, cursor: impl FnOnce() -> String) -> Self {
        cut(&mut self.items, n, None);
        self.next_cursor = self.truncated.then(cursor);
        Self { truncated: false, ..self }
    }
}

impl DependencyList {
    /// The items behind the first `n` of at most `most`, with a cursor to more where there may be more.
    #[must_use]
    pub fn behind(mut self, n: usize, most: usize, cursor: impl FnOnce() -> String) -> Self {
        let is_full = self.items.len() >= most;
        cut(&mut self.items, n, None);
        self.next_cursor = (self.truncated && is_full).then(cursor);
        self
    }
}

impl MemberList {
    /// At most so many items behind the first ones; `cursor` of where the next page begins.
    #[must_use]
    pub fn page(mut self, first: usize, most: Option<usize>, cursor: impl FnOnce(usize) -> String) -> Self {
        self.next_cursor = cut(&mut self.items, first, most).map(cursor);
        self
    }
}

impl ImpactReport {
    /// The same of what is touched; tests, entry points and risk are told with each page.
    #[must_use]
    pub fn page(mut self, first: usize, most: Option<usize>, cursor: impl FnOnce(usize) -> String) -> Self {
        self.next_cursor = cut(&mut self.items, first, most).map(cursor);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn pages_are_the_list() {
        let list: Vec<_> = (0..7).collect();
        let (mut pages, mut next) = (Vec::new(), Some(0));
        while let Some(first) = next {
            let mut items = list.clone();
            next = cut(&mut items, first, Some(3));
            pages.push(items);
        }
        assert_eq!(pages, [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
        let mut whole = list.clone();
        assert_eq!((cut(&mut whole, 0, None), cut(&mut whole, 99, Some(1)), whole), (None, None, Vec::new()));
    }
}
