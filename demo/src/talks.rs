//! What is said between a lead and an agent: each talk is a run of messages that comes to something.

use shared::crm::conversations::row::Sender;
use shared::crm::conversations::row::Sender::{Agent, User};

/// Minutes after the message before it, who writes, and what. `{first}` is the lead's first name,
/// `{company}` the company.
pub type Line = (i64, Sender, &'static str);

/// A talk and what it says of the lead.
pub struct Talk {
    /// The messages.
    pub lines: &'static [Line],
    /// Intent, urgency, budget, fit and engagement.
    pub scores: [u8; 5],
}

/// Every talk: four of Hot leads, four of Warm ones, four of Cold ones.
pub const TALKS: [Talk; 12] = [
    Talk {
        scores: [3, 3, 3, 3, 2],
        lines: &[
            (0, User, "Hello, {first} from {company} here. We need contract review for about 40 contracts a month."),
            (2, Agent, "Welcome, {first}! Forty a month fits our Team plan. When would you like to start?"),
            (3, User, "Before the end of this month, our counsel is leaving and nobody covers for her."),
            (1, Agent, "Understood. Is a budget set aside for it already, or does it still need approval?"),
            (6, User, "Approved last week. We have up to 2,500 a month."),
            (2, Agent, "Then I suggest a call with our onboarding lead. Would tomorrow at ten work for you?"),
            (4, User, "Tomorrow at ten works. Please send the invitation to me and to our finance team."),
            (1, Agent, "Done, the invitation is on its way. You will also get a draft of the agreement to look over."),
        ],
    },
    Talk {
        scores: [3, 2, 3, 2, 3],
        lines: &[
            (0, Agent, "Hi {first}, your trial ends on Friday. How has it worked for your team so far?"),
            (95, User, "Really well. The clause library alone saved us two days this week."),
            (3, Agent, "Great to hear! Would you like to stay on the plan that you tried?"),
            (12, User, "Yes, but for 12 people instead of 5. What would that be per year?"),
            (2, Agent, "For twelve people it is 7,200 a year, and two months are free if you pay annually."),
            (38, User, "That is within what we planned. Can we pay by invoice?"),
            (1, Agent, "Of course. I will send the order form with invoice as the way to pay."),
            (5, User, "Please do it today, I can have it signed by Thursday."),
            (2, Agent, "It is in your inbox. Thank you, {first}, and welcome aboard!"),
            (14, User, "Got the form. Forwarded it to procurement with my approval."),
        ],
    },
    Talk {
        scores: [3, 3, 2, 3, 2],
        lines: &[
            (0, User, "Our current provider just raised prices by 30 percent. Can you take us over quickly?"),
            (1, Agent, "We can. How many documents would have to move, and by when?"),
            (7, User, "Some 3,000 documents. Our contract with them ends in four weeks."),
            (2, Agent, "A move of that size takes us about ten days. Shall I reserve a slot in the coming week?"),
            (20, User, "Yes please reserve it. Who signs the data processing agreement on your side?"),
            (3, Agent, "Our legal team does. You will have the agreement, ready to sign, within a day."),
        ],
    },
    Talk {
        scores: [3, 3, 2, 2, 3],
        lines: &[
            (0, User, "Saw the demo at the trade fair, {company} would like to see it with our own templates."),
            (3, Agent, "With pleasure, {first}! Could you send two or three of your templates beforehand?"),
            (1_440, User, "Sent three of them just now: an NDA, a lease and a supplier agreement."),
            (9, Agent, "They arrived. The lease is a good example. Who will join the session on your side?"),
            (4, User, "Our general counsel and two paralegals. She decides, and she wants this before the audit."),
            (2, Agent, "When is the audit? I would like to leave you enough time to set everything up."),
            (8, User, "The audit is in five weeks. So a decision should fall within the next ten days."),
            (3, Agent, "Then let us meet on Wednesday at two. I will prepare the comparison for your counsel."),
            (2, User, "Wednesday at two is in the calendar. Looking forward to it."),
        ],
    },
    Talk {
        scores: [2, 1, 2, 3, 2],
        lines: &[
            (0, User, "Good morning, do you also work with teams of five people or only with large ones?"),
            (2, Agent, "Good morning {first}! A third of our customers are teams of fewer than ten."),
            (4, User, "And is there a plan without a yearly commitment?"),
            (1, Agent, "Yes, the Starter plan can be cancelled every month. Would a short tour help?"),
            (31, User, "Maybe in two weeks. We first have to finish moving offices."),
            (2, Agent, "No hurry. I will write again in two weeks, with a link to book the tour."),
        ],
    },
    Talk {
        scores: [2, 2, 1, 2, 2],
        lines: &[
            (0, Agent, "Hi {first}, you downloaded our guide on intake forms. Was it useful for {company}?"),
            (240, User, "Quite useful, thank you. The part on approvals is exactly our problem."),
            (3, Agent, "How do approvals work with you at present?"),
            (16, User, "By e-mail, and half of them get lost. I would have to convince my manager though."),
            (2, Agent, "Would a one-page summary with figures from a company of your size help you with that?"),
            (9, User, "That would help. Our budget round is not before next quarter."),
            (1, Agent, "Then I will send the summary now and get in touch before the round begins."),
        ],
    },
    Talk {
        scores: [2, 2, 2, 2, 2],
        lines: &[
            (0, User, "Which integrations are there? We use a document management system from 2014."),
            (2, Agent, "We connect to most systems by WebDAV or SFTP. Do you know which of them yours speaks?"),
            (1_500, User, "Our IT says SFTP, but only inside the company network."),
            (4, Agent, "That works with our gateway, which runs in your network. I can send the security sheet."),
            (6, User, "Please send the security sheet, IT wants to read it before we go on."),
            (2, Agent, "Sent. If IT has questions, our engineers are glad to answer them in a call."),
            (2_880, User, "IT is reading it. They asked whether the gateway runs on Windows Server."),
            (5, Agent, "It does, from version 2019 on. I have added the system requirements to the sheet."),
        ],
    },
    Talk {
        scores: [2, 1, 2, 2, 3],
        lines: &[
            (0, User, "Hi, are you still offering the onboarding package with the training days?"),
            (1, Agent, "We are, {first}! It comes with two training days and a review after a month."),
            (2, User, "Can the training days be held in Spanish?"),
            (1, Agent, "Yes, two of our trainers are native speakers."),
            (5, User, "And could the people of our Madrid office join remotely?"),
            (2, Agent, "Yes, up to twenty people can join remotely without additional cost."),
            (11, User, "That sounds good. I will discuss it with my colleagues and come back to you."),
        ],
    },
    Talk {
        scores: [1, 1, 1, 2, 1],
        lines: &[
            (0, Agent, "Hello {first}, thank you for visiting our stand. Is there a question I can answer?"),
            (2_900, User, "Thanks, just collecting information for now."),
            (3, Agent, "Gladly. I will send our overview, and you write whenever it suits you."),
        ],
    },
    Talk {
        scores: [1, 2, 1, 1, 1],
        lines: &[
            (0, User, "How much is the cheapest plan please?"),
            (1, Agent, "The Starter plan is 49 a month for one person. What would you use it for?"),
            (3, User, "For my private tenancy agreement, just once."),
            (2, Agent, "For a single agreement, a lawyers' referral service is a better choice, {first}."),
            (2, User, "Fair enough, thanks for being honest about it."),
        ],
    },
    Talk {
        scores: [1, 1, 2, 1, 2],
        lines: &[
            (0, User, "We signed with somebody else last month, please take me off the list."),
            (2, Agent, "Done, {first}. Would you tell us what made the difference? It helps us to improve."),
            (55, User, "Their offices are in the same city as ours, and they know our ERP."),
            (3, Agent, "That makes sense. All the best to {company}, and thank you for telling us."),
        ],
    },
    Talk {
        scores: [2, 1, 1, 2, 1],
        lines: &[
            (0, Agent, "Hi {first}, we spoke in spring about contract templates. Is the project still on?"),
            (4_300, Agent, "Just checking once more, {first}: should I keep your slot for the workshop?"),
            (130, User, "Sorry for the silence. The project is on hold until the reorganisation is over."),
            (4, Agent, "Thank you for letting me know. Shall I ask again in half a year?"),
        ],
    },
];
