//! Industries: which names mean one, and which is part of which. Others are compared by their words.

use std::sync::LazyLock;

use super::words::Vocabulary;

/// Terms, the industry first and then those that it is part of, and the phrases that stand for them.
const INDUSTRIES: [(&str, &str); 52] = [
    ("legal", "legal, law, law practice, law office, lawyer, attorney, solicitor, barrister, legal service"),
    (
        "legaltech legal-software software technology",
        "legaltech, legal tech, lawtech, law tech, legal technology, legal software, legal saas, legal automation, \
         contract automation",
    ),
    (
        "software technology",
        "software, saas, software as a service, cloud software, software development, computer software, app, \
         software publishing, cloud",
    ),
    ("technology", "technology, tech, high tech, hightech, it, information technology"),
    (
        "it-services technology",
        "it service, information technology and service, information technology service, it consulting, \
         managed service, managed service provider, msp, managed it service, system integrator",
    ),
    (
        "cybersecurity technology",
        "cybersecurity, cyber security, information security, it security, computer and network security, \
         computer network security, network security",
    ),
    ("ai technology", "ai, artificial intelligence, machine learning"),
    ("hardware technology", "hardware, computer hardware, electronics, semiconductor, consumer electronics"),
    ("fintech finance technology", "fintech, financial technology, fin tech"),
    ("healthtech healthcare technology", "healthtech, health tech, digital health, healthcare technology, medtech"),
    ("edtech education technology", "edtech, education technology, educational technology, e learning, elearning"),
    ("proptech realestate technology", "proptech, property technology, real estate technology"),
    ("finance", "finance, financial, financial service, investment, investment management, asset management"),
    ("private-equity finance", "private equity, venture capital, venture capital and private equity, vc"),
    ("banking finance", "banking, bank, investment banking, commercial banking"),
    ("insurance finance", "insurance, insurer, insurance broker, insurtech"),
    ("accounting", "accounting, accountant, accountancy, bookkeeping, cpa, audit, auditing, tax advisor, tax"),
    ("consulting", "consulting, consultancy, consultant, management consulting, business consulting, advisory"),
    (
        "healthcare",
        "healthcare, health care, health, medical, hospital, clinic, hospital and health care, medical practice, \
         hospitals and healthcare",
    ),
    ("dental healthcare", "dental, dentist, dentistry, dental clinic, dental practice"),
    ("biotech", "biotech, biotechnology, life science"),
    ("pharma", "pharma, pharmaceutical, drug maker"),
    ("medical-devices healthcare", "medical device, medical equipment"),
    ("realestate", "real estate, realestate, property, realty, realtor, property management, commercial real estate"),
    ("construction", "construction, builder, building contractor, contractor, civil engineering"),
    ("architecture", "architecture, architect, architecture and planning"),
    ("engineering", "engineering, engineer, mechanical or industrial engineering"),
    ("manufacturing", "manufacturing, manufacturer, industrial manufacturing, factory"),
    ("machinery manufacturing", "machinery, mechanical engineering, industrial machinery"),
    ("automotive", "automotive, car, auto, automobile, car maker, car dealer"),
    ("aerospace", "aerospace, aviation, aviation and aerospace, airline"),
    ("chemicals manufacturing", "chemical, chemistry"),
    ("retail", "retail, retailer, shop, store"),
    ("ecommerce retail", "ecommerce, e commerce, online retail, online shop, online store, internet retail"),
    ("consumer-goods", "consumer goods, consumer product, fmcg, cpg, consumer packaged goods"),
    ("food", "food, food and beverage, beverage, food production, food manufacturer, food manufacturing"),
    ("restaurants hospitality", "restaurant, catering, cafe"),
    ("hotels hospitality", "hotel, hotelier"),
    ("hospitality", "hospitality, hospitality service"),
    ("travel", "travel, tourism, travel agency, leisure travel and tourism"),
    ("logistics", "logistics, freight, shipping, supply chain, logistics and supply chain, haulage, forwarder"),
    ("transport", "transport, transportation, trucking, transportation trucking railroad"),
    ("education", "education, school, university, college, higher education, education management, training"),
    ("marketing", "marketing, marketing agency, digital marketing, marketing and advertising, advertising, ad agency"),
    ("media", "media, publishing, publisher, broadcasting, entertainment, film, music"),
    ("telecom", "telecom, telecommunication, telco"),
    ("energy", "energy, utility, oil and gas, oil gas, oil and energy, power, electricity"),
    ("renewables energy", "renewable, renewable energy, solar, solar energy, wind energy, clean energy, cleantech"),
    ("agriculture", "agriculture, farming, farm, agritech, agtech, agribusiness"),
    ("recruiting", "recruiting, recruitment, staffing, staffing and recruiting, human resources, hr, headhunter"),
    ("nonprofit", "nonprofit, non profit, not for profit, charity, ngo, nonprofit organization"),
    ("government", "government, public sector, government administration, public administration, municipality"),
];

const EMPTY: &str = "company firm industry sector business organization organisation agency practice provider \
    service solution startup vendor group and of the for in or a an";

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary::new(&INDUSTRIES, EMPTY));

/// The terms of an industry, the most specific of each phrase first. `healthcare SaaS` has those of both.
pub(super) fn terms(industry: &str) -> Vec<String> {
    VOCABULARY.terms(industry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(wanted: &str, industry: &str) -> bool {
        let industry = terms(industry);
        terms(wanted).iter().all(|term| industry.contains(term))
    }

    #[test]
    fn an_industry_is_found_by_each_of_its_names() {
        for (wanted, industry) in [
            ("law firms", "Legal Services"),
            ("law firms", "Law Practice"),
            ("legal", "Law"),
            ("legal services", "law firm"),
            ("SaaS companies", "Software"),
            ("SaaS companies", "Software as a Service (SaaS)"),
            ("software companies", "SaaS"),
            ("software", "Computer Software"),
            ("tech companies", "Software"),
            ("tech startups", "Cyber Security"),
            ("legal automation", "Legal Tech"),
            ("software", "legal automation"),
            ("legal tech", "Contract Automation"),
            ("health care", "Hospital & Health Care"),
            ("e-commerce", "Online Retail"),
            ("retailers", "E-commerce"),
            ("healthcare SaaS", "Healthcare Software"),
            ("banks", "Banking"),
            ("financial services", "Insurance"),
            ("accounting firms", "Accountancy"),
            ("basket weaving", "Basket-Weaving Companies"),
            ("non-profits", "Nonprofit Organization Management"),
            ("services", "Services"),
        ] {
            assert!(fits(wanted, industry), "{wanted} / {industry}: {:?} {:?}", terms(wanted), terms(industry));
        }
    }

    #[test]
    fn another_industry_is_not_found() {
        for (wanted, industry) in [
            ("law firms", "Legal Tech"),
            ("law firms", "Software"),
            ("SaaS", "Legal Services"),
            ("healthcare SaaS", "Software"),
            ("software", "IT services"),
            ("banks", "Insurance"),
            ("basket weaving", "Weaving"),
            ("services", "Legal Services"),
        ] {
            assert!(!fits(wanted, industry), "{wanted} / {industry}: {:?} {:?}", terms(wanted), terms(industry));
        }
    }
}
