"""Engine `aws`: DynamoDB, SQS and S3, or whatever speaks their protocols."""
