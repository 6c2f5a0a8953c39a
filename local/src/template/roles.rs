//! The permissions of functions, from the policies of their roles.

use serde_json::Value;

use super::{Template, TemplateError, broken, texts_of};

/// A statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Actions such as `dynamodb:GetItem`.
    pub actions: Vec<String>,
    /// ARNs.
    pub resources: Vec<String>,
}

impl Template {
    /// The permissions of a function's role; none without a role.
    pub(super) fn permissions(&self, id: &str, role: Option<&Value>) -> Result<Vec<Permission>, TemplateError> {
        let declared = |name: Option<&str>| {
            let resource = name.and_then(|name| self.resources.get(name));
            resource.ok_or_else(|| broken(id, "its role, or a policy of that, is not in the template"))
        };
        let Some(role) = role else { return Ok(Vec::new()) };
        let role = declared(role["Fn::GetAtt"].as_str().and_then(|role| role.strip_suffix(".Arn")))?;
        let of_role = |list: &str| role.properties[list].as_array().into_iter().flatten();
        let mut documents: Vec<_> = of_role("Policies").map(|policy| &policy["PolicyDocument"]).collect();
        for policy in of_role("ManagedPolicyArns") {
            documents.push(&declared(policy["Ref"].as_str())?.properties["PolicyDocument"]);
        }
        let mut permissions = Vec::new();
        for document in documents {
            let statements = self.resolve(id, &document["Statement"])?;
            let statements = statements.as_array().into_iter().flatten().filter(|statement| statement.is_object());
            permissions.extend(statements.map(|statement| Permission {
                actions: texts_of(&statement["Action"]),
                resources: texts_of(&statement["Resource"]),
            }));
        }
        Ok(permissions)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const TEMPLATE: &str = "
Resources:
  Table: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: t } }
  Logs: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: !Sub '/of/${AWS::StackName}' } }
  F: { Type: 'AWS::Serverless::Function', Properties: { CodeUri: f, Role: !GetAtt FRole.Arn } }
  FRole:
    Type: AWS::IAM::Role
    Properties:
      ManagedPolicyArns: [!Ref Shared]
      Policies:
        - PolicyDocument: { Statement: [{ Action: a:One, Resource: !GetAtt Table.Arn }, !Ref 'AWS::NoValue'] }
  Shared:
    Type: AWS::IAM::ManagedPolicy
    Properties: { PolicyDocument: { Statement: [{ Action: [b:Two, b:Three], Resource: !GetAtt Logs.Arn }] } }
";

    fn permissions(text: &str) -> Result<Vec<Permission>, TemplateError> {
        Ok(Template::parse(text, &HashMap::new())?.functions()?.remove(0).permissions)
    }

    #[test]
    fn a_function_may_do_what_the_policies_of_its_role_say() {
        let permission = |actions: &[&str], resource: &str| Permission {
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            resources: vec![resource.to_owned()],
        };
        let expected = [
            permission(&["a:One"], "arn:aws:dynamodb:us-east-1:000000000000:table/t"),
            permission(&["b:Two", "b:Three"], "arn:aws:logs:us-east-1:000000000000:log-group:/of/lead-followup:*"),
        ];
        assert_eq!(permissions(TEMPLATE).unwrap(), expected);
        assert_eq!(permissions(&TEMPLATE.replace(", Role: !GetAtt FRole.Arn", "")).unwrap(), []);
    }

    #[test]
    fn a_policy_that_the_template_does_not_show_is_an_error() {
        for (this, that) in
            [("!Ref Shared", "arn:aws:iam::aws:policy/Wide"), ("!GetAtt FRole.Arn", "arn:aws:iam::1:role/x")]
        {
            let error = permissions(&TEMPLATE.replace(this, &format!("'{that}'"))).unwrap_err().to_string();
            assert!(error.contains("F: its role, or a policy of that, is not in the template"), "{error}");
        }
    }
}
