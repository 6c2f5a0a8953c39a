//! Sites with channels and agents, for follow-ups.

use shared::base::clock::Random;
use shared::workspace::accounts::{Agent, Role, Site};
use uuid::Uuid;

use crate::Api;

/// A site and its active agents.
pub struct Staff {
    pub site: Uuid,
    pub sales: Option<Uuid>,
    pub copywriter: Option<Uuid>,
}

impl Api {
    /// Adds a site with or without e-mail and WhatsApp, and an active agent of each role.
    pub async fn staff(&self, (email, whatsapp): (bool, bool), roles: &[Role]) -> Staff {
        let (random, now) = (Random::from_os(), self.clock.now());
        let site = Site {
            site_id: random.uuid(),
            name: "Acme Website".to_owned(),
            url: "https://acme.com".to_owned(),
            email: email.then(|| "sales@acme.example".to_owned()),
            whatsapp: whatsapp.then(|| "1".to_owned()),
            sms: whatsapp.then(|| "+12025550100".to_owned()),
            created_at: now,
        };
        self.accounts().put_site(self.workspace, &site).await.expect("a site");
        let mut staff = Staff { site: site.site_id, sales: None, copywriter: None };
        for role in roles {
            let agent = Agent {
                agent_id: random.uuid(),
                site_id: site.site_id,
                name: "Robin".to_owned(),
                role: *role,
                user_id: random.uuid(),
                active: true,
                created_at: now,
            };
            self.accounts().put_agent(self.workspace, &agent).await.expect("an agent");
            match role {
                Role::Sales => staff.sales = Some(agent.agent_id),
                Role::Copywriter => staff.copywriter = Some(agent.agent_id),
            }
        }
        staff
    }
}
