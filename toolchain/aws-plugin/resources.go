package main

import (
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

type fields = map[string]*tfbridge.SchemaInfo

// resources: what a stack on EC2 is made of. Names that the default rule would make otherwise are said.
func resources() map[string]*tfbridge.ResourceInfo {
	rules := fields{"ingress": {Name: "ingress"}, "egress": {Name: "egress"}}
	policy := fields{"policy": {Transform: tfbridge.TransformJSONDocument}}
	return map[string]*tfbridge.ResourceInfo{
		"aws_default_security_group":          resource("ec2", "DefaultSecurityGroup", rules),
		"aws_ec2_managed_prefix_list":         resource("ec2", "ManagedPrefixList", nil),
		"aws_ec2_managed_prefix_list_entry":   resource("ec2", "ManagedPrefixListEntry", nil),
		"aws_eip":                             resource("ec2", "Eip", nil),
		"aws_eip_association":                 resource("ec2", "EipAssociation", nil),
		"aws_instance":                        resource("ec2", "Instance", nil),
		"aws_internet_gateway":                resource("ec2", "InternetGateway", nil),
		"aws_key_pair":                        resource("ec2", "KeyPair", fields{"key_name": tfbridge.AutoName("keyName", 255, "-")}),
		"aws_route":                           resource("ec2", "Route", nil),
		"aws_route_table":                     resource("ec2", "RouteTable", nil),
		"aws_route_table_association":         resource("ec2", "RouteTableAssociation", nil),
		"aws_security_group":                  resource("ec2", "SecurityGroup", rules),
		"aws_subnet":                          resource("ec2", "Subnet", nil),
		"aws_volume_attachment":               resource("ec2", "VolumeAttachment", nil),
		"aws_vpc":                             resource("ec2", "Vpc", nil),
		"aws_vpc_endpoint":                    resource("ec2", "VpcEndpoint", nil),
		"aws_vpc_security_group_egress_rule":  resource("vpc", "SecurityGroupEgressRule", nil),
		"aws_vpc_security_group_ingress_rule": resource("vpc", "SecurityGroupIngressRule", nil),

		"aws_ebs_encryption_by_default": resource("ebs", "EncryptionByDefault", nil),
		"aws_ebs_snapshot":              resource("ebs", "Snapshot", nil),
		"aws_ebs_volume":                resource("ebs", "Volume", nil),
		"aws_dlm_lifecycle_policy":      resource("dlm", "LifecyclePolicy", nil),

		"aws_iam_instance_profile":       resource("iam", "InstanceProfile", nil),
		"aws_iam_policy":                 resource("iam", "Policy", policy),
		"aws_iam_role_policy":            resource("iam", "RolePolicy", policy),
		"aws_iam_role_policy_attachment": resource("iam", "RolePolicyAttachment", nil),
		"aws_iam_role": resource("iam", "Role", fields{
			"name":               tfbridge.AutoName("name", 64, "-"),
			"assume_role_policy": {Transform: tfbridge.TransformJSONDocument},
		}),

		"aws_s3_bucket": resource("s3", "Bucket", fields{
			"bucket": tfbridge.AutoNameTransform("bucket", 63, strings.ToLower),
		}),
		"aws_s3_bucket_lifecycle_configuration":              resource("s3", "BucketLifecycleConfiguration", nil),
		"aws_s3_bucket_ownership_controls":                   resource("s3", "BucketOwnershipControls", nil),
		"aws_s3_bucket_policy":                               resource("s3", "BucketPolicy", policy),
		"aws_s3_bucket_public_access_block":                  resource("s3", "BucketPublicAccessBlock", nil),
		"aws_s3_bucket_server_side_encryption_configuration": resource("s3", "BucketServerSideEncryptionConfiguration", nil),
		"aws_s3_bucket_versioning":                           resource("s3", "BucketVersioning", nil),

		"aws_budgets_budget": resource("budgets", "Budget", nil),
		"aws_cloudwatch_metric_alarm": resource("cloudwatch", "MetricAlarm", fields{
			"alarm_name": tfbridge.AutoName("name", 255, "-"),
		}),
		"aws_sns_topic":        resource("sns", "Topic", policy),
		"aws_sns_topic_policy": resource("sns", "TopicPolicy", policy),
		"aws_sns_topic_subscription": resource("sns", "TopicSubscription", fields{
			"topic_arn": {Name: "topic"},
		}),
		"aws_ssm_document":  resource("ssm", "Document", nil),
		"aws_ssm_parameter": resource("ssm", "Parameter", nil),
	}
}

func dataSources() map[string]*tfbridge.DataSourceInfo {
	return map[string]*tfbridge.DataSourceInfo{
		"aws_availability_zones":          function("index", "getAvailabilityZones"),
		"aws_caller_identity":             function("index", "getCallerIdentity"),
		"aws_partition":                   function("index", "getPartition"),
		"aws_region":                      function("index", "getRegion"),
		"aws_ami":                         function("ec2", "getAmi"),
		"aws_ec2_instance_type":           function("ec2", "getInstanceType"),
		"aws_ec2_instance_type_offerings": function("ec2", "getInstanceTypeOfferings"),
		"aws_instance":                    function("ec2", "getInstance"),
		"aws_subnet":                      function("ec2", "getSubnet"),
		"aws_subnets":                     function("ec2", "getSubnets"),
		"aws_vpc":                         function("ec2", "getVpc"),
		"aws_iam_policy_document":         function("iam", "getPolicyDocument"),
		"aws_ssm_parameter":               function("ssm", "getParameter"),
	}
}

// resource names a type as npm's package does: aws:ec2/vpc:Vpc.
func resource(module, name string, names fields) *tfbridge.ResourceInfo {
	own := fields{}
	for field, info := range names {
		own[field] = info
	}
	return &tfbridge.ResourceInfo{Tok: tfbridge.MakeResource("aws", module, name), Fields: own}
}

// function names a function as npm's package does: aws:ec2/getVpc:getVpc.
func function(module, name string) *tfbridge.DataSourceInfo {
	return &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember("aws:" + module + "/" + name + ":" + name)}
}
