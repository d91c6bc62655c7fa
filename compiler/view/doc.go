// Package view writes plans, progress and pools as text for people and as JSON for programs. It makes no decisions: it only
// aligns and colors what it is given. Sensitive values are already masked.
package view
