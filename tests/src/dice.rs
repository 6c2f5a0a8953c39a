//! Random choices that repeat with their seed.

use shared::base::clock::Random;

#[derive(Clone, Debug)]
pub struct Dice(Random);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Random::seeded(seed))
    }

    /// The dice of one part of a run, independent of the other parts.
    pub fn of(seed: u64, part: u64) -> Self {
        Self::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23) ^ part.wrapping_mul(0xD134_2543_DE82_EF95))
    }

    /// A number below the limit; 0 for the limit 0.
    pub fn below(&self, limit: usize) -> usize {
        let drawn = u64::from_le_bytes(self.0.bytes());
        usize::try_from(drawn % (limit.max(1) as u64)).unwrap_or_default()
    }

    /// True in so many of a hundred cases.
    pub fn percent(&self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of several; `None` of none.
    pub fn one_of<'a, T>(&self, several: &'a [T]) -> Option<&'a T> {
        several.get(self.below(several.len()))
    }

    /// A seed for further dice.
    pub fn seed(&self) -> u64 {
        u64::from_le_bytes(self.0.bytes())
    }
}
