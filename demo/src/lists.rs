//! Two lists of contacts.

use shared::base::context::{Context, FromContext};
use shared::base::store::StoreError;
use shared::crm::leads::Lead;
use shared::crm::lists::{ListError, Lists, Member, Target};

use crate::{CONTACT, LAW_FIRMS, Q1_LEADS, WORKSPACE};

/// Makes the lists and puts contacts on them that can be written an e-mail; once, however often.
pub(crate) async fn load<'a>(context: &Context, leads: impl Iterator<Item = &'a Lead>) -> Result<(), StoreError> {
    let lists = Lists::new(context).map_err(|error| StoreError::Broken(error.to_string()))?;
    let mut leads: Vec<_> = leads.filter(|lead| lead.email.is_some()).collect();
    // The document's contact first.
    leads.sort_by_key(|lead| lead.lead_id != CONTACT);
    let is_legal = |lead: &&&Lead| lead.company_name.as_deref().is_some_and(|company| company.ends_with(" LLP"));
    let legal: Vec<_> = leads.iter().filter(is_legal).take(8).copied().collect();
    for (list_id, name, leads) in
        [(LAW_FIRMS, "Law firms", legal), (Q1_LEADS, "Q1 Leads", leads.into_iter().take(12).collect())]
    {
        lists.create(&Target { list_id, name: name.to_owned() }, WORKSPACE).await?;
        let members = leads.iter().map(|lead| Member { lead_id: lead.lead_id, prospect_id: None });
        let added = lists.add(WORKSPACE, list_id, &members.collect::<Vec<_>>()).await;
        added.map_err(|error| match error {
            ListError::Store(error) => error,
            other => StoreError::Broken(other.to_string()),
        })?;
    }
    Ok(())
}
