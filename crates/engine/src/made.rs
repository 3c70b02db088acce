//! What a transaction makes, and is to make again each time that it runs.

use std::collections::HashMap;

use backstay_store::Series;
use parking_lot::Mutex;

/// What its runs make one after the other.
#[derive(Debug)]
pub(crate) struct Made<T> {
    all: Vec<T>,
    /// How many of them the present run has used.
    used: usize,
}

impl<T> Default for Made<T> {
    fn default() -> Self {
        Self { all: Vec::new(), used: 0 }
    }
}

impl<T: Copy> Made<T> {
    /// A run begins.
    pub(crate) fn begin(&mut self) {
        self.used = 0;
    }

    /// The next one as an earlier run has made it, or a new one.
    pub(crate) fn next(&mut self, make: impl FnOnce() -> T) -> T {
        let known = self.all.get(self.used).copied();
        let next = known.unwrap_or_else(make);
        if known.is_none() {
            self.all.push(next);
        }
        self.used += 1;
        next
    }
}

/// A number of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) value: i64,
    /// Whether no other transaction can get it, although the run that has drawn it is undone.
    pub(crate) is_own: bool,
}

/// The numbers that a transaction draws, which may have gaps: the same ones each time that it runs.
#[derive(Debug, Default)]
pub struct Numbers(Mutex<Drawn>);

#[derive(Debug, Default)]
struct Drawn {
    of: HashMap<Series, Made<Number>>,
    /// Whether the present run had to take another number than an earlier one.
    has_lost: bool,
}

impl Numbers {
    /// A run begins.
    pub(crate) fn begin(&self) {
        let mut drawn = self.0.lock();
        drawn.of.values_mut().for_each(Made::begin);
        drawn.has_lost = false;
    }

    /// The next number of a series as an earlier run has used it, if there was one.
    pub(crate) fn known(&self, series: &Series) -> Option<Number> {
        let drawn = self.0.lock();
        drawn.of.get(series).and_then(|made| made.all.get(made.used)).copied()
    }

    /// The present run uses this number as the next one.
    pub(crate) fn take(&self, series: &Series, number: Number) {
        let mut drawn = self.0.lock();
        let Made { all, used } = drawn.of.entry(series.clone()).or_default();
        let at = *used;
        *used += 1;
        match all.get_mut(at) {
            None => all.push(number),
            Some(known) => {
                let is_lost = known.value != number.value;
                *known = number;
                drawn.has_lost |= is_lost;
            }
        }
    }

    /// The numbers that other transactions can get, if they have got some: there may be more to come.
    pub(crate) fn lost(&self) -> Vec<(Series, Vec<i64>)> {
        let drawn = self.0.lock();
        if !drawn.has_lost {
            return Vec::new();
        }
        let loose = |made: &Made<Number>| {
            let loose = made.all.iter().filter(|number| !number.is_own);
            loose.map(|number| number.value).collect::<Vec<_>>()
        };
        let all = drawn.of.iter().map(|(series, made)| (series.clone(), loose(made)));
        all.filter(|(_, loose)| !loose.is_empty()).collect()
    }

    /// In the place of the numbers of this series that others could get come these, which they can't.
    pub(crate) fn own(&self, series: &Series, values: &[i64]) {
        let mut drawn = self.0.lock();
        let Some(made) = drawn.of.get_mut(series) else { return };
        for (number, value) in made.all.iter_mut().filter(|number| !number.is_own).zip(values) {
            *number = Number { value: *value, is_own: true };
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_base::{FieldNumber, TypeNumber};

    use super::*;

    #[test]
    fn numbers_are_the_same_until_others_get_them() {
        let numbers = Numbers::default();
        let series = Series::new((TypeNumber(1), FieldNumber(0)), String::new());
        let loose = |value: i64| Number { value, is_own: false };
        numbers.begin();
        assert_eq!(numbers.known(&series), None);
        numbers.take(&series, loose(5));
        numbers.take(&series, loose(6));
        assert_eq!(numbers.lost(), []);
        numbers.begin();
        assert_eq!(numbers.known(&series), Some(loose(5)));
        numbers.take(&series, loose(7));
        numbers.take(&series, loose(8));
        assert_eq!(numbers.lost(), [(series.clone(), vec![7, 8])]);
        numbers.own(&series, &[9, 10]);
        numbers.begin();
        assert_eq!(numbers.known(&series), Some(Number { value: 9, is_own: true }));
        assert_eq!(numbers.lost(), []);
    }
}
