"use strict";
// What `synth.py` compares with: plain cdktf in JavaScript, with each resource imported from its own file.
//   node synth_plain.js <output folder> <services> <jobs of each>
const { App, DataTerraformRemoteStateS3, S3Backend, TerraformStack } = require("cdktf");
const { BatchJobDefinition } = require("@cdktf/provider-aws/lib/batch-job-definition");
const { CloudwatchEventRule } = require("@cdktf/provider-aws/lib/cloudwatch-event-rule");
const { CloudwatchEventTarget } = require("@cdktf/provider-aws/lib/cloudwatch-event-target");
const { DataAwsCallerIdentity } = require("@cdktf/provider-aws/lib/data-aws-caller-identity");
const { IamRole } = require("@cdktf/provider-aws/lib/iam-role");
const { AwsProvider } = require("@cdktf/provider-aws/lib/provider");

const REGION = "ap-northeast-2";
const BUCKET = "my-company-terraform-state";
const [outdir, services, jobs] = process.argv.slice(2);
const app = new App({ outdir });

const read = (output) => `\${data.terraform_remote_state.environment.outputs.${output}}`;

class Service extends TerraformStack {
  constructor(service) {
    super(app, `jobs-${service}`);
    new AwsProvider(this, "aws", { region: REGION, allowedAccountIds: ["123456789012"] });
    new S3Backend(this, { bucket: BUCKET, key: `bench/jobs-${service}.tfstate`, region: REGION, encrypt: true });
    new DataTerraformRemoteStateS3(this, "environment", {
      bucket: BUCKET,
      key: "bench/environment.tfstate",
      region: REGION,
    });
    new DataAwsCallerIdentity(this, "current");
    for (let number = 0; number < Number(jobs); number++) this.job(service, number);
  }

  job(service, number) {
    const id = `job_${number}`;
    const name = `${service}-job-${number}`;
    const trust = {
      Action: "sts:AssumeRole",
      Condition: { StringEquals: { "aws:SourceAccount": "${data.aws_caller_identity.current.account_id}" } },
      Effect: "Allow",
      Principal: { Service: "ecs-tasks.amazonaws.com" },
    };
    new IamRole(this, `${id}_job_role`, {
      name: `batchtab-bench-${name}-job`,
      assumeRolePolicy: JSON.stringify({ Statement: [trust], Version: "2012-10-17" }),
    });
    new BatchJobDefinition(this, `${id}_job_definition`, {
      name: `batchtab-bench-${name}`,
      type: "container",
      platformCapabilities: ["EC2"],
      propagateTags: true,
      containerProperties: JSON.stringify({
        command: ["run", `${number}`],
        image: `123456789012.dkr.ecr.${REGION}.amazonaws.com/bench:v1`,
        jobRoleArn: `\${aws_iam_role.${id}_job_role.arn}`,
        logConfiguration: {
          logDriver: "awslogs",
          options: { "awslogs-group": read("log_group_name"), "awslogs-stream-prefix": name, mode: "blocking" },
        },
        mountPoints: [{ containerPath: "/tmp", sourceVolume: "batchtab-tmp" }],
        readonlyRootFilesystem: true,
        resourceRequirements: [
          { type: "VCPU", value: "1" },
          { type: "MEMORY", value: "2048" },
        ],
        volumes: [{ name: "batchtab-tmp" }],
      }),
      retryStrategy: { attempts: 1 },
      timeout: { attemptDurationSeconds: 600 },
    });
    new CloudwatchEventRule(this, `${id}_rule`, {
      name: `batchtab-bench-${name}`,
      scheduleExpression: `cron(${number % 60} ${number % 24} * * ? *)`,
      state: "ENABLED",
    });
    const variables = [
      { Name: "BATCHTAB_RUN_ID", Value: `${name}@<time>` },
      { Name: "BATCHTAB_SCHEDULED_TIME", Value: "<time>" },
    ];
    new CloudwatchEventTarget(this, `${id}_target`, {
      arn: read("job_queue_arn_default"),
      rule: `\${aws_cloudwatch_event_rule.${id}_rule.name}`,
      roleArn: read("trigger_role_arn"),
      batchTarget: { jobDefinition: `\${aws_batch_job_definition.${id}_job_definition.name}`, jobName: name },
      deadLetterConfig: { arn: read("trigger_dead_letter_queue_arn") },
      inputTransformer: {
        inputPaths: { time: "$.time" },
        inputTemplate: JSON.stringify({ ContainerOverrides: { Environment: variables } }),
      },
      retryPolicy: { maximumEventAgeInSeconds: 3600, maximumRetryAttempts: 185 },
    });
  }
}

for (let number = 0; number < Number(services); number++) new Service(`bench-${number}`);
app.synth();
