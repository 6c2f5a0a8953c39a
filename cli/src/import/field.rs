//! The fields of columns, and the names under which the usual CRMs export them.

use std::sync::LazyLock;

use strum::VariantArray;

/// The fields of a kind of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldSet {
    Leads,
    Prospects,
}

impl FieldSet {
    /// Whether such a row has this field.
    fn have(self, field: Field) -> bool {
        match self {
            Self::Leads => field < Field::Industry || field.is_of_activity(),
            Self::Prospects => field != Field::Stage && !field.is_of_activity(),
        }
    }

    /// The fields that such a row is found by, and what they are called together.
    fn identities(self) -> (&'static [Field], &'static str) {
        match self {
            Self::Leads => (&[Field::ExternalRef, Field::Email, Field::Phone], "reference, e-mail or phone"),
            Self::Prospects => (
                &[Field::ExternalRef, Field::Email, Field::Linkedin, Field::Phone],
                "reference, e-mail, LinkedIn address or phone",
            ),
        }
    }
}

/// A field of a lead, of a prospect, or of the activity that a CSV row carries.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::Display, strum::EnumString, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Field {
    /// The customer's own identifier.
    ExternalRef,
    FullName,
    FirstName,
    LastName,
    Email,
    Phone,
    Linkedin,
    JobTitle,
    CompanyName,
    Stage,
    Industry,
    Employees,
    City,
    Region,
    Country,
    /// City, region and country in one.
    Location,
    ActivityId,
    ActivityType,
    #[strum(serialize = "activity_occurred_at")]
    ActivityDate,
    ActivityDirection,
    ActivityOutcome,
    ActivityTitle,
    ActivityBody,
}

/// Fields with the column names that stand for them.
static KNOWN: LazyLock<Vec<(Field, Vec<&str>)>> = LazyLock::new(|| {
    let lines = include_str!("../../data/columns.txt").lines().filter_map(|line| line.split_once(": "));
    lines.filter_map(|(field, columns)| Some((field.parse().ok()?, columns.split(' ').collect()))).collect()
});

impl Field {
    /// The field and how well the column's name fits it; less is better.
    fn of_column(column: &str, set: FieldSet) -> Option<(Self, usize)> {
        let normal = normal(column);
        KNOWN
            .iter()
            .filter(|(field, _)| set.have(*field))
            .find_map(|(field, columns)| columns.iter().position(|known| *known == normal).map(|rank| (*field, rank)))
    }

    fn named(name: &str, set: FieldSet) -> Result<Self, String> {
        name.parse().ok().filter(|field| set.have(*field)).ok_or_else(|| {
            let fields = Self::VARIANTS.iter().filter(|field| set.have(**field));
            let names: Vec<_> = fields.map(ToString::to_string).collect();
            format!("there is no field {name:?}; the fields are {}", names.join(", "))
        })
    }

    /// Whether this is about the activity of the row.
    pub fn is_of_activity(self) -> bool {
        self >= Self::ActivityId
    }

    /// Whether somebody is called by it.
    fn names(self) -> bool {
        matches!(self, Self::FullName | Self::FirstName | Self::LastName)
    }
}

/// A column's name as it is compared: its letters and digits, in lower case.
fn normal(column: &str) -> String {
    column.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `--map COLUMN=FIELD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    column: String,
    field: Field,
}

impl Mapping {
    /// A mapping in a file of leads.
    pub fn of_leads(text: &str) -> Result<Self, String> {
        Self::parse(text, FieldSet::Leads)
    }

    /// A mapping in a file of prospects.
    pub fn of_prospects(text: &str) -> Result<Self, String> {
        Self::parse(text, FieldSet::Prospects)
    }

    fn parse(text: &str, set: FieldSet) -> Result<Self, String> {
        let (column, field) = text.rsplit_once('=').ok_or("write COLUMN=FIELD, such as \"Cell=phone\"")?;
        Ok(Self { column: column.trim().to_owned(), field: Field::named(field.trim(), set)? })
    }
}

/// Columns of rejected rows, which may be corrected and imported again.
pub const REJECTED_LINE: &str = "rejected_line";
pub const REJECTED_REASON: &str = "rejected_reason";

/// Which column holds what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Fields with their columns, of which the first that is filled counts.
    pub of_field: Vec<(Field, usize)>,
    /// Names of the columns that hold nothing known.
    pub ignored: Vec<String>,
}

impl Columns {
    /// Reads a header. A mapped field is read only from its mapped columns.
    ///
    /// # Errors
    /// A mapped column is not there, or no column identifies anybody.
    pub fn of_header(header: &[String], mappings: &[Mapping], set: FieldSet) -> Result<Self, String> {
        let missing = |mapping: &&Mapping| !header.iter().any(|column| normal(column) == normal(&mapping.column));
        if let Some(mapping) = mappings.iter().find(missing) {
            return Err(format!("--map names the column {:?}, which the header does not have", mapping.column));
        }
        let mut found: Vec<(Field, usize, usize)> = Vec::new();
        let mut ignored = Vec::new();
        for (index, column) in header.iter().enumerate() {
            let mapped = mappings.iter().find(|mapping| normal(&mapping.column) == normal(column));
            let known = Field::of_column(column, set)
                .filter(|(field, _)| mappings.iter().all(|mapping| mapping.field != *field));
            match mapped.map(|mapping| (mapping.field, 0)).or(known) {
                Some((field, rank)) => found.push((field, rank, index)),
                None if [REJECTED_LINE, REJECTED_REASON].contains(&column.as_str()) => {}
                None => ignored.push(column.clone()),
            }
        }
        found.sort_unstable();
        let of_field: Vec<_> = found.into_iter().map(|(field, _, index)| (field, index)).collect();
        let (identities, names) = set.identities();
        if !of_field.iter().any(|(field, _)| identities.contains(field)) {
            let columns = header.join(", ");
            return Err(format!(
                "no column could be read as {names}; name one with --map COLUMN=FIELD (the columns are: {columns})"
            ));
        }
        Ok(Self { of_field, ignored })
    }

    /// Whether somebody gets a name from them.
    pub fn have_a_name(&self) -> bool {
        self.of_field.iter().any(|(field, _)| field.names())
    }

    /// Whether one of them holds this.
    pub fn have(&self, field: Field) -> bool {
        self.of_field.iter().any(|(known, _)| *known == field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(header: &[&str], mappings: &[&str]) -> Result<Columns, String> {
        let header: Vec<_> = header.iter().map(|column| (*column).to_owned()).collect();
        let mappings: Vec<_> = mappings.iter().map(|mapping| Mapping::of_leads(mapping).unwrap()).collect();
        Columns::of_header(&header, &mappings, FieldSet::Leads)
    }

    #[test]
    fn the_columns_of_usual_exports_are_known() {
        use Field::*;
        for (header, expected) in [
            (
                ["Record ID", "First Name", "Last Name", "Email", "Phone Number", "Lifecycle Stage"],
                [ExternalRef, FirstName, LastName, Email, Phone, Stage],
            ),
            (
                ["Lead ID", "Name", "E-mail", "Mobile", "Account Name", "Lead Status"],
                [ExternalRef, FullName, Email, Phone, CompanyName, Stage],
            ),
            (
                ["ID", "person_name", "EMAIL ADDRESS", "Mobile Phone Number", "organization", "LinkedIn URL"],
                [ExternalRef, FullName, Email, Phone, CompanyName, Linkedin],
            ),
            (
                ["Vorname", "Nachname", "E-Mail", "Telefon", "Firma", "Position"],
                [FirstName, LastName, Email, Phone, CompanyName, JobTitle],
            ),
            (
                ["ID", "Name", "E-Mail-Adresse", "Mobil", "Unternehmen", "Funktion"],
                [ExternalRef, FullName, Email, Phone, CompanyName, JobTitle],
            ),
        ] {
            let found = columns(&header, &[]).unwrap();
            let mut expected: Vec<_> = expected.into_iter().enumerate().map(|(index, field)| (field, index)).collect();
            expected.sort_unstable();
            assert_eq!(found, Columns { of_field: expected, ignored: Vec::new() });
        }
    }

    #[test]
    fn every_field_has_a_column_name() {
        assert_eq!(KNOWN.iter().map(|(field, _)| *field).collect::<Vec<_>>(), Field::VARIANTS);
    }

    #[test]
    fn an_unknown_column_is_ignored_and_named() {
        assert_eq!(columns(&["Email", "Owner", "rejected_line"], &[]).unwrap().ignored, ["Owner"]);
    }

    #[test]
    fn of_two_columns_for_a_field_the_better_name_comes_first() {
        let found = columns(&["Status", "Lifecycle Stage", "Email"], &[]).unwrap();
        assert_eq!(found.of_field, [(Field::Email, 2), (Field::Stage, 1), (Field::Stage, 0)]);
    }

    #[test]
    fn a_mapping_overrides_what_is_known() {
        let found = columns(&["Email", "Private Address", "Title"], &["private address=email", "Title=stage"]).unwrap();
        assert_eq!(found.of_field, [(Field::Email, 1), (Field::Stage, 2)]);
        assert_eq!(found.ignored, ["Email"]);
    }

    #[test]
    fn a_mapping_of_a_missing_column_or_to_no_field_is_refused() {
        assert!(columns(&["Email"], &["Cell=phone"]).unwrap_err().contains("\"Cell\""));
        assert!(Mapping::of_leads("Cell=telephone").unwrap_err().contains("the fields are external_ref"));
        assert!(Mapping::of_leads("Cell").is_err());
    }

    #[test]
    fn leads_and_prospects_have_fields_of_their_own() {
        use Field::*;
        let header = [
            "First Name",
            "Company",
            "# Employees",
            "Industry",
            "Email",
            "Person Linkedin Url",
            "City",
            "State",
            "Country",
            "Stage",
        ];
        assert_eq!(columns(&header, &[]).unwrap().ignored, ["# Employees", "Industry", "City", "State", "Country"]);
        let header = header.map(str::to_owned);
        let found = Columns::of_header(&header, &[], FieldSet::Prospects).unwrap();
        assert_eq!(found.ignored, ["Stage"]);
        for field in [FirstName, CompanyName, Employees, Industry, Email, Linkedin, City, Region, Country] {
            assert!(found.have(field), "{field}");
        }
        assert!(Mapping::of_leads("Branch=industry").is_err());
        assert!(Mapping::of_prospects("Branch=industry").is_ok());
        let told = Mapping::of_prospects("Branch=stage").unwrap_err();
        assert!(told.contains("employees") && !told.contains("activity"), "{told}");
        let told = Columns::of_header(&["Name".to_owned()], &[], FieldSet::Prospects).unwrap_err();
        assert!(told.contains("LinkedIn"), "{told}");
    }

    #[test]
    fn a_header_without_an_identity_is_refused() {
        assert!(
            columns(&["Name", "Company"], &[])
                .unwrap_err()
                .starts_with("no column could be read as reference, e-mail or phone; name one with --map COLUMN=FIELD")
        );
    }

    #[test]
    fn a_header_without_a_name_is_told_from_one_with() {
        assert!(!columns(&["Email", "Company"], &[]).unwrap().have_a_name());
        assert!(columns(&["Email", "Nachname"], &[]).unwrap().have_a_name());
        assert!(columns(&["Email", "Who"], &["Who=full_name"]).unwrap().have_a_name());
    }
}
