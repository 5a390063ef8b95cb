//! Cycles in an import graph, chosen so that a reader can mend them: short ones first, no edge twice.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::graph::Graph;

type Edges<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

impl Graph {
    /// Cycles that share no edge, shortest first. Without their edges the graph has no cycle.
    pub(crate) fn cycles(&self) -> Vec<Vec<&str>> {
        let targets = |from| self.imports_of(from).map(|(to, _)| to).collect();
        let mut edges: Edges<'_> = self.files().map(|from| (from, targets(from))).collect();
        let mut cycles = Vec::new();
        while let Some(cycle) = shortest(&edges) {
            for (from, to) in cycle.iter().zip(cycle.iter().cycle().skip(1)) {
                edges.get_mut(from).expect("each file of a cycle is a node").remove(to);
            }
            cycles.push(cycle);
        }
        cycles
    }
}

fn shortest<'a>(edges: &Edges<'a>) -> Option<Vec<&'a str>> {
    edges.keys().filter_map(|start| shortest_through(start, edges)).min_by_key(Vec::len)
}

/// Breadth-first search from `start` back to `start`.
fn shortest_through<'a>(start: &'a str, edges: &Edges<'a>) -> Option<Vec<&'a str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(file) = waiting.pop_front() {
        for &next in edges.get(file).into_iter().flatten() {
            if next == start {
                let mut cycle = vec![file];
                while cycle[0] != start {
                    cycle.insert(0, came_from[cycle[0]]);
                }
                return Some(cycle);
            }
            if !came_from.contains_key(next) {
                came_from.insert(next, file);
                waiting.push_back(next);
            }
        }
    }
    None
}
