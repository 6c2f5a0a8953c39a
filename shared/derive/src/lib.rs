//! `#[derive(FromContext)]`: builds a struct from the context of a function, field by field.

use proc_macro::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Expr, Fields, parse_macro_input};

/// Implements `shared::base::context::FromContext`: each field is built by its own `FromContext::new(context)?`, or by
/// the expression of its attribute, in which `context` is the context:
///
/// ```text
/// #[derive(FromContext)]
/// struct Approve {
///     accounts: Accounts,
///     #[context(Queue::named(context, "DELIVERY_QUEUE_URL")?)]
///     queue: Queue,
/// }
/// ```
#[proc_macro_derive(FromContext, attributes(context))]
pub fn from_context(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    build(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

fn build(input: &DeriveInput) -> syn::Result<proc_macro2::TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new_spanned(input, "FromContext is derived for structs"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(syn::Error::new_spanned(input, "FromContext is derived for structs with named fields"));
    };
    let mut values = Vec::new();
    for field in &fields.named {
        let (name, own) = (&field.ident, field.attrs.iter().find(|attribute| attribute.path().is_ident("context")));
        values.push(match own {
            Some(attribute) => {
                let value: Expr = attribute.parse_args()?;
                quote!(#name: #value)
            }
            None => quote!(#name: shared::base::context::FromContext::new(context)?),
        });
    }
    let name = &input.ident;
    Ok(quote! {
        impl shared::base::context::FromContext for #name {
            fn new(
                context: &shared::base::context::Context,
            ) -> ::std::result::Result<Self, shared::base::environment::ConfigError> {
                Ok(Self { #(#values),* })
            }
        }
    })
}
