"""What people said and did about answers, as evidence; and the verdicts it adds up to."""
