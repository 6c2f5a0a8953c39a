//! The names of enums whose values have one each.

use strum::VariantNames;

/// The names of all values, for a message: `pending, approved`.
pub fn names<T: VariantNames>() -> String {
    T::VARIANTS.join(", ")
}
