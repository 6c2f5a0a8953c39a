//! The demo's sites: one with both roles, one without a copywriter, one without channels.

use chrono::{DateTime, Utc};
use shared::base::store::StoreError;
use shared::workspace::accounts::{Accounts, Agent, Role, Site};
use uuid::Uuid;

use crate::WORKSPACE;

fn id(number: u64) -> Uuid {
    Uuid::from_u64_pair(0x5eed_0000_0000_4000, 0x8000_0000_0000_0400 + number)
}

/// Loads the sites and their agents.
pub async fn load(accounts: &Accounts, now: DateTime<Utc>) -> Result<(), StoreError> {
    let both = (Some("hello@northwind.example"), Some("106540352242922"));
    let sites = [
        ("Northwind Legal", "https://northwind.example", both, &[Role::Sales, Role::Copywriter][..]),
        ("Northwind Advice", "https://advice.northwind.example", (both.0, None), &[Role::Sales]),
        ("Northwind Archive", "https://archive.northwind.example", (None, None), &[Role::Sales, Role::Copywriter]),
    ];
    for (number, (name, url, (email, whatsapp), roles)) in (1..).zip(sites) {
        let site = Site {
            site_id: id(number),
            name: name.to_owned(),
            url: url.to_owned(),
            email: email.map(str::to_owned),
            whatsapp: whatsapp.map(str::to_owned),
            sms: whatsapp.map(|_| "+12025550100".to_owned()),
            created_at: now,
        };
        accounts.put_site(WORKSPACE, &site).await?;
        for (index, role) in (1..).zip(roles) {
            let agent = Agent {
                agent_id: id(number * 16 + index),
                site_id: site.site_id,
                name: format!("{} of {name}", role.title()),
                role: *role,
                user_id: id(255),
                active: true,
                created_at: now,
            };
            accounts.put_agent(WORKSPACE, &agent).await?;
        }
    }
    Ok(())
}
