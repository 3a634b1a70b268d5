"""The models of the Azure Batch data plane (generated, do not edit).

Made by ``tools/generate_wire_model.py``. Only ``wire`` and ``api`` know these types. Every property
is optional here, and ``None`` means that it is absent; what is required is checked by ``wire``.
Durations and instants are text; ``wire.values`` reads and writes them.
"""

from enum import StrEnum
from typing import Annotated, Any, Self

from msgspec import Meta, Struct

Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = str | int


class WireEnum(StrEnum):
    """Values that clients may spell in any case."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        wanted = str(value).lower()
        return next((member for member in cls if member.value.lower() == wanted), None)


class WireStruct(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A JSON object."""


class AccessScope(WireEnum):
    JOB = "job"


class AllocationState(WireEnum):
    STEADY = "steady"
    RESIZING = "resizing"
    STOPPING = "stopping"


class AutoUserScope(WireEnum):
    TASK = "task"
    POOL = "pool"


class BatchAllTasksCompleteMode(WireEnum):
    NOACTION = "noaction"
    TERMINATEJOB = "terminatejob"


class BatchErrorSourceCategory(WireEnum):
    USER_ERROR = "UserError"
    SERVER_ERROR = "ServerError"


class BatchJobActionKind(WireEnum):
    NONE = "none"
    DISABLE = "disable"
    TERMINATE = "terminate"


class BatchJobDefaultOrder(WireEnum):
    NONE = "none"
    CREATIONTIME = "creationtime"


class BatchJobPreparationTaskState(WireEnum):
    RUNNING = "running"
    COMPLETED = "completed"


class BatchJobReleaseTaskState(WireEnum):
    RUNNING = "running"
    COMPLETED = "completed"


class BatchJobScheduleState(WireEnum):
    ACTIVE = "active"
    COMPLETED = "completed"
    DISABLED = "disabled"
    TERMINATING = "terminating"
    DELETING = "deleting"


class BatchJobState(WireEnum):
    ACTIVE = "active"
    DISABLING = "disabling"
    DISABLED = "disabled"
    ENABLING = "enabling"
    TERMINATING = "terminating"
    COMPLETED = "completed"
    DELETING = "deleting"


class BatchNodeDeallocateOption(WireEnum):
    REQUEUE = "requeue"
    TERMINATE = "terminate"
    TASKCOMPLETION = "taskcompletion"
    RETAINEDDATA = "retaineddata"


class BatchNodeDeallocationOption(WireEnum):
    REQUEUE = "requeue"
    TERMINATE = "terminate"
    TASKCOMPLETION = "taskcompletion"
    RETAINEDDATA = "retaineddata"


class BatchNodeDisableSchedulingOption(WireEnum):
    REQUEUE = "requeue"
    TERMINATE = "terminate"
    TASKCOMPLETION = "taskcompletion"


class BatchNodeFillType(WireEnum):
    SPREAD = "Spread"
    PACK = "Pack"


class BatchNodePlacementPolicyType(WireEnum):
    REGIONAL = "regional"
    ZONAL = "zonal"


class BatchNodeRebootKind(WireEnum):
    REQUEUE = "requeue"
    TERMINATE = "terminate"
    TASKCOMPLETION = "taskcompletion"
    RETAINEDDATA = "retaineddata"


class BatchNodeReimageOption(WireEnum):
    REQUEUE = "requeue"
    TERMINATE = "terminate"
    TASKCOMPLETION = "taskcompletion"
    RETAINEDDATA = "retaineddata"


class BatchNodeState(WireEnum):
    IDLE = "idle"
    REBOOTING = "rebooting"
    REIMAGING = "reimaging"
    RUNNING = "running"
    UNUSABLE = "unusable"
    CREATING = "creating"
    STARTING = "starting"
    WAITINGFORSTARTTASK = "waitingforstarttask"
    STARTTASKFAILED = "starttaskfailed"
    UNKNOWN = "unknown"
    LEAVINGPOOL = "leavingpool"
    OFFLINE = "offline"
    PREEMPTED = "preempted"
    UPGRADINGOS = "upgradingos"
    DEALLOCATED = "deallocated"
    DEALLOCATING = "deallocating"


class BatchPoolIdentityType(WireEnum):
    USER_ASSIGNED = "UserAssigned"
    NONE = "None"


class BatchPoolLifetimeOption(WireEnum):
    JOBSCHEDULE = "jobschedule"
    JOB = "job"


class BatchPoolState(WireEnum):
    ACTIVE = "active"
    DELETING = "deleting"


class BatchStartTaskState(WireEnum):
    RUNNING = "running"
    COMPLETED = "completed"


class BatchSubtaskState(WireEnum):
    PREPARING = "preparing"
    RUNNING = "running"
    COMPLETED = "completed"


class BatchTaskAddStatus(WireEnum):
    SUCCESS = "success"
    CLIENTERROR = "clienterror"
    SERVERERROR = "servererror"


class BatchTaskExecutionResult(WireEnum):
    SUCCESS = "success"
    FAILURE = "failure"


class BatchTaskFailureMode(WireEnum):
    NOACTION = "noaction"
    PERFORMEXITOPTIONSJOBACTION = "performexitoptionsjobaction"


class BatchTaskState(WireEnum):
    ACTIVE = "active"
    PREPARING = "preparing"
    RUNNING = "running"
    COMPLETED = "completed"


class CachingType(WireEnum):
    NONE = "none"
    READONLY = "readonly"
    READWRITE = "readwrite"


class CertificateFormat(WireEnum):
    PFX = "pfx"
    CER = "cer"


class CertificateState(WireEnum):
    ACTIVE = "active"
    DELETING = "deleting"
    DELETEFAILED = "deletefailed"


class CertificateStoreLocation(WireEnum):
    CURRENTUSER = "currentuser"
    LOCALMACHINE = "localmachine"


class CertificateVisibility(WireEnum):
    STARTTASK = "starttask"
    TASK = "task"
    REMOTEUSER = "remoteuser"


class ContainerHostDataPath(WireEnum):
    SHARED = "Shared"
    STARTUP = "Startup"
    VFS_MOUNTS = "VfsMounts"
    TASK = "Task"
    JOB_PREP = "JobPrep"
    APPLICATIONS = "Applications"


class ContainerType(WireEnum):
    DOCKER_COMPATIBLE = "dockerCompatible"
    CRI_COMPATIBLE = "criCompatible"


class ContainerWorkingDirectory(WireEnum):
    TASK_WORKING_DIRECTORY = "taskWorkingDirectory"
    CONTAINER_IMAGE_DEFAULT = "containerImageDefault"


class DependencyAction(WireEnum):
    SATISFY = "satisfy"
    BLOCK = "block"


class DiffDiskPlacement(WireEnum):
    CACHEDISK = "cachedisk"


class DisableBatchJobOption(WireEnum):
    REQUEUE = "requeue"
    TERMINATE = "terminate"
    WAIT = "wait"


class DiskEncryptionTarget(WireEnum):
    OSDISK = "osdisk"
    TEMPORARYDISK = "temporarydisk"


class DynamicVNetAssignmentScope(WireEnum):
    NONE = "none"
    JOB = "job"


class ElevationLevel(WireEnum):
    NONADMIN = "nonadmin"
    ADMIN = "admin"


class HostEndpointSettingsModeTypes(WireEnum):
    AUDIT = "Audit"
    ENFORCE = "Enforce"


class IPFamily(WireEnum):
    I_PV4 = "IPv4"
    I_PV6 = "IPv6"


class ImageVerificationType(WireEnum):
    VERIFIED = "verified"
    UNVERIFIED = "unverified"


class InboundEndpointProtocol(WireEnum):
    TCP = "tcp"
    UDP = "udp"


class IpAddressProvisioningType(WireEnum):
    BATCHMANAGED = "batchmanaged"
    USERMANAGED = "usermanaged"
    NOPUBLICIPADDRESSES = "nopublicipaddresses"


class LoginMode(WireEnum):
    BATCH = "batch"
    INTERACTIVE = "interactive"


class NetworkSecurityGroupRuleAccess(WireEnum):
    ALLOW = "allow"
    DENY = "deny"


class NodeCommunicationMode(WireEnum):
    DEFAULT = "default"
    CLASSIC = "classic"
    SIMPLIFIED = "simplified"


class OSType(WireEnum):
    LINUX = "linux"
    WINDOWS = "windows"


class OutputFileUploadCondition(WireEnum):
    TASKSUCCESS = "tasksuccess"
    TASKFAILURE = "taskfailure"
    TASKCOMPLETION = "taskcompletion"


class SchedulingState(WireEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class SecurityEncryptionTypes(WireEnum):
    DISK_WITH_VM_GUEST_STATE = "DiskWithVMGuestState"
    NON_PERSISTED_TPM = "NonPersistedTPM"
    VM_GUEST_STATE_ONLY = "VMGuestStateOnly"


class SecurityTypes(WireEnum):
    TRUSTED_LAUNCH = "trustedLaunch"
    CONFIDENTIALVM = "confidentialvm"


class StatusLevelTypes(WireEnum):
    ERROR = "Error"
    INFO = "Info"
    WARNING = "Warning"


class StorageAccountType(WireEnum):
    STANDARD_LRS = "standard_lrs"
    PREMIUM_LRS = "premium_lrs"
    STANDARDSSD_LRS = "standardssd_lrs"


class UpgradeMode(WireEnum):
    AUTOMATIC = "automatic"
    MANUAL = "manual"
    ROLLING = "rolling"


class AuthenticationTokenSettings(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    access: list[AccessScope] | None = None


class NameValuePair(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    name: str | None = None
    value: str | None = None


class AutoScaleRunError(WireStruct, frozen=True, kw_only=True, omit_defaults=True):
    code: str | None = None
    message: str | None = None
    values: list[NameValuePair] | None = None


class AutoScaleRun(WireStruct, frozen=True, kw_only=True, omit_defaults=True):
    timestamp: str | None = None
    results: str | None = None
    error: AutoScaleRunError | None = None


class AutoUserSpecification(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"elevation_level": "elevationLevel"},
):
    scope: AutoUserScope | None = None
    elevation_level: ElevationLevel | None = None


class AutomaticOsUpgradePolicy(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "disable_automatic_rollback": "disableAutomaticRollback",
        "enable_automatic_os_upgrade": "enableAutomaticOSUpgrade",
        "use_rolling_upgrade_policy": "useRollingUpgradePolicy",
        "os_rolling_upgrade_deferral": "osRollingUpgradeDeferral",
    },
):
    disable_automatic_rollback: bool | None = None
    enable_automatic_os_upgrade: bool | None = None
    use_rolling_upgrade_policy: bool | None = None
    os_rolling_upgrade_deferral: bool | None = None


class BatchNodeIdentityReference(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"resource_id": "resourceId"},
):
    resource_id: str | None = None


class AzureBlobFileSystemConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "account_name": "accountName",
        "container_name": "containerName",
        "account_key": "accountKey",
        "sas_key": "sasKey",
        "blobfuse_options": "blobfuseOptions",
        "relative_mount_path": "relativeMountPath",
        "identity_reference": "identityReference",
    },
):
    account_name: str | None = None
    container_name: str | None = None
    account_key: str | None = None
    sas_key: str | None = None
    blobfuse_options: str | None = None
    relative_mount_path: str | None = None
    identity_reference: BatchNodeIdentityReference | None = None


class AzureFileShareConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "account_name": "accountName",
        "account_key": "accountKey",
        "azure_file_url": "azureFileUrl",
        "relative_mount_path": "relativeMountPath",
        "mount_options": "mountOptions",
    },
):
    account_name: str | None = None
    account_key: str | None = None
    azure_file_url: str | None = None
    relative_mount_path: str | None = None
    mount_options: str | None = None


class BatchAffinityInfo(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"affinity_id": "affinityId"},
):
    affinity_id: str | None = None


class BatchApplication(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"display_name": "displayName"},
):
    id: str | None = None
    display_name: str | None = None
    versions: list[str] | None = None


class BatchApplicationListResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"odata_next_link": "odata.nextLink"},
):
    value: list[BatchApplication] | None = None
    odata_next_link: str | None = None


class BatchApplicationPackageReference(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"application_id": "applicationId"},
):
    application_id: str | None = None
    version: str | None = None


class BatchVmImageReference(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "virtual_machine_image_id": "virtualMachineImageId",
        "exact_version": "exactVersion",
        "shared_gallery_image_id": "sharedGalleryImageId",
        "community_gallery_image_id": "communityGalleryImageId",
    },
):
    publisher: str | None = None
    offer: str | None = None
    sku: str | None = None
    version: str | None = None
    virtual_machine_image_id: str | None = None
    exact_version: str | None = None
    shared_gallery_image_id: str | None = None
    community_gallery_image_id: str | None = None


class WindowsConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"enable_automatic_updates": "enableAutomaticUpdates"},
):
    enable_automatic_updates: bool | None = None


class DiskEncryptionSetParameters(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    id: str | None = None


class BatchVmDiskSecurityProfile(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"security_encryption_type": "securityEncryptionType"},
):
    security_encryption_type: SecurityEncryptionTypes | None = None


class ManagedDisk(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "disk_encryption_set": "diskEncryptionSet",
        "storage_account_type": "storageAccountType",
        "security_profile": "securityProfile",
    },
):
    disk_encryption_set: DiskEncryptionSetParameters | None = None
    storage_account_type: StorageAccountType | None = None
    security_profile: BatchVmDiskSecurityProfile | None = None


class DataDisk(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "disk_size_gb": "diskSizeGB",
        "managed_disk": "managedDisk",
        "storage_account_type": "storageAccountType",
    },
):
    lun: Int32 | None = None
    caching: CachingType | None = None
    disk_size_gb: Int32 | None = None
    managed_disk: ManagedDisk | None = None
    storage_account_type: StorageAccountType | None = None


class ContainerRegistryReference(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"registry_server": "registryServer", "identity_reference": "identityReference"},
):
    username: str | None = None
    password: str | None = None
    registry_server: str | None = None
    identity_reference: BatchNodeIdentityReference | None = None


class BatchContainerConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "container_image_names": "containerImageNames",
        "container_registries": "containerRegistries",
    },
):
    type: ContainerType | None = None
    container_image_names: list[str] | None = None
    container_registries: list[ContainerRegistryReference] | None = None


class BatchPoolIdentityReference(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"resource_id": "resourceId"},
):
    resource_id: str | None = None


class DiskCustomerManagedKey(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "identity_reference": "identityReference",
        "key_url": "keyUrl",
        "rotation_to_latest_key_version_enabled": "rotationToLatestKeyVersionEnabled",
    },
):
    identity_reference: BatchPoolIdentityReference | None = None
    key_url: str | None = None
    rotation_to_latest_key_version_enabled: bool | None = None


class DiskEncryptionConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"customer_managed_key": "customerManagedKey"},
):
    customer_managed_key: DiskCustomerManagedKey | None = None
    targets: list[DiskEncryptionTarget] | None = None


class BatchNodePlacementConfiguration(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    policy: BatchNodePlacementPolicyType | None = None


class VMExtension(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "type_handler_version": "typeHandlerVersion",
        "auto_upgrade_minor_version": "autoUpgradeMinorVersion",
        "enable_automatic_upgrade": "enableAutomaticUpgrade",
        "protected_settings": "protectedSettings",
        "provision_after_extensions": "provisionAfterExtensions",
    },
):
    name: str | None = None
    publisher: str | None = None
    type: str | None = None
    type_handler_version: str | None = None
    auto_upgrade_minor_version: bool | None = None
    enable_automatic_upgrade: bool | None = None
    settings: Any | None = None
    protected_settings: Any | None = None
    provision_after_extensions: list[str] | None = None


class BatchDiffDiskSettings(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    placement: DiffDiskPlacement | None = None


class BatchOsDisk(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "ephemeral_os_disk_settings": "ephemeralOSDiskSettings",
        "disk_size_gb": "diskSizeGB",
        "managed_disk": "managedDisk",
        "write_accelerator_enabled": "writeAcceleratorEnabled",
    },
):
    ephemeral_os_disk_settings: BatchDiffDiskSettings | None = None
    caching: CachingType | None = None
    disk_size_gb: Int32 | None = None
    managed_disk: ManagedDisk | None = None
    write_accelerator_enabled: bool | None = None


class HostEndpointSettings(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"in_vm_access_control_profile_reference_id": "inVMAccessControlProfileReferenceId"},
):
    in_vm_access_control_profile_reference_id: str | None = None
    mode: HostEndpointSettingsModeTypes | None = None


class ProxyAgentSettings(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"wire_server": "wireServer"},
):
    enabled: bool | None = None
    imds: HostEndpointSettings | None = None
    wire_server: HostEndpointSettings | None = None


class BatchUefiSettings(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"secure_boot_enabled": "secureBootEnabled", "v_tpm_enabled": "vTpmEnabled"},
):
    secure_boot_enabled: bool | None = None
    v_tpm_enabled: bool | None = None


class SecurityProfile(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "encryption_at_host": "encryptionAtHost",
        "proxy_agent_settings": "proxyAgentSettings",
        "security_type": "securityType",
        "uefi_settings": "uefiSettings",
    },
):
    encryption_at_host: bool | None = None
    proxy_agent_settings: ProxyAgentSettings | None = None
    security_type: SecurityTypes | None = None
    uefi_settings: BatchUefiSettings | None = None


class ServiceArtifactReference(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    id: str | None = None


class VirtualMachineConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "image_reference": "imageReference",
        "node_agent_sku_id": "nodeAgentSKUId",
        "windows_configuration": "windowsConfiguration",
        "data_disks": "dataDisks",
        "license_type": "licenseType",
        "container_configuration": "containerConfiguration",
        "disk_encryption_configuration": "diskEncryptionConfiguration",
        "node_placement_configuration": "nodePlacementConfiguration",
        "os_disk": "osDisk",
        "security_profile": "securityProfile",
        "service_artifact_reference": "serviceArtifactReference",
    },
):
    image_reference: BatchVmImageReference | None = None
    node_agent_sku_id: str | None = None
    windows_configuration: WindowsConfiguration | None = None
    data_disks: list[DataDisk] | None = None
    license_type: str | None = None
    container_configuration: BatchContainerConfiguration | None = None
    disk_encryption_configuration: DiskEncryptionConfiguration | None = None
    node_placement_configuration: BatchNodePlacementConfiguration | None = None
    extensions: list[VMExtension] | None = None
    os_disk: BatchOsDisk | None = None
    security_profile: SecurityProfile | None = None
    service_artifact_reference: ServiceArtifactReference | None = None


class BatchTaskSchedulingPolicy(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"job_default_order": "jobDefaultOrder", "node_fill_type": "nodeFillType"},
):
    job_default_order: BatchJobDefaultOrder | None = None
    node_fill_type: BatchNodeFillType | None = None


class NetworkSecurityGroupRule(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "source_address_prefix": "sourceAddressPrefix",
        "source_port_ranges": "sourcePortRanges",
    },
):
    priority: Int32 | None = None
    access: NetworkSecurityGroupRuleAccess | None = None
    source_address_prefix: str | None = None
    source_port_ranges: list[str] | None = None


class BatchInboundNatPool(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "backend_port": "backendPort",
        "frontend_port_range_start": "frontendPortRangeStart",
        "frontend_port_range_end": "frontendPortRangeEnd",
        "network_security_group_rules": "networkSecurityGroupRules",
    },
):
    name: str | None = None
    protocol: InboundEndpointProtocol | None = None
    backend_port: Int32 | None = None
    frontend_port_range_start: Int32 | None = None
    frontend_port_range_end: Int32 | None = None
    network_security_group_rules: list[NetworkSecurityGroupRule] | None = None


class BatchPoolEndpointConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"inbound_nat_pools": "inboundNATPools"},
):
    inbound_nat_pools: list[BatchInboundNatPool] | None = None


class IPTag(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"ip_tag_type": "ipTagType"},
):
    ip_tag_type: str | None = None
    tag: str | None = None


class BatchPublicIpAddressConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"ip_families": "ipFamilies", "ip_address_ids": "ipAddressIds", "ip_tags": "ipTags"},
):
    provision: IpAddressProvisioningType | None = None
    ip_families: list[IPFamily] | None = None
    ip_address_ids: list[str] | None = None
    ip_tags: list[IPTag] | None = None


class NetworkConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "subnet_id": "subnetId",
        "dynamic_v_net_assignment_scope": "dynamicVNetAssignmentScope",
        "endpoint_configuration": "endpointConfiguration",
        "public_ip_address_configuration": "publicIPAddressConfiguration",
        "enable_accelerated_networking": "enableAcceleratedNetworking",
    },
):
    subnet_id: str | None = None
    dynamic_v_net_assignment_scope: DynamicVNetAssignmentScope | None = None
    endpoint_configuration: BatchPoolEndpointConfiguration | None = None
    public_ip_address_configuration: BatchPublicIpAddressConfiguration | None = None
    enable_accelerated_networking: bool | None = None


class ContainerHostBatchBindMountEntry(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"is_read_only": "isReadOnly"},
):
    source: ContainerHostDataPath | None = None
    is_read_only: bool | None = None


class BatchTaskContainerSettings(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "container_run_options": "containerRunOptions",
        "image_name": "imageName",
        "working_directory": "workingDirectory",
        "container_host_batch_bind_mounts": "containerHostBatchBindMounts",
    },
):
    container_run_options: str | None = None
    image_name: str | None = None
    registry: ContainerRegistryReference | None = None
    working_directory: ContainerWorkingDirectory | None = None
    container_host_batch_bind_mounts: list[ContainerHostBatchBindMountEntry] | None = None


class ResourceFile(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "auto_storage_container_name": "autoStorageContainerName",
        "storage_container_url": "storageContainerUrl",
        "http_url": "httpUrl",
        "blob_prefix": "blobPrefix",
        "file_path": "filePath",
        "file_mode": "fileMode",
        "identity_reference": "identityReference",
    },
):
    auto_storage_container_name: str | None = None
    storage_container_url: str | None = None
    http_url: str | None = None
    blob_prefix: str | None = None
    file_path: str | None = None
    file_mode: str | None = None
    identity_reference: BatchNodeIdentityReference | None = None


class EnvironmentSetting(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    name: str | None = None
    value: str | None = None


class UserIdentity(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"auto_user": "autoUser"},
):
    username: str | None = None
    auto_user: AutoUserSpecification | None = None


class BatchStartTask(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "command_line": "commandLine",
        "container_settings": "containerSettings",
        "resource_files": "resourceFiles",
        "environment_settings": "environmentSettings",
        "user_identity": "userIdentity",
        "max_task_retry_count": "maxTaskRetryCount",
        "wait_for_success": "waitForSuccess",
    },
):
    command_line: str | None = None
    container_settings: BatchTaskContainerSettings | None = None
    resource_files: list[ResourceFile] | None = None
    environment_settings: list[EnvironmentSetting] | None = None
    user_identity: UserIdentity | None = None
    max_task_retry_count: Int32 | None = None
    wait_for_success: bool | None = None


class LinuxUserConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"ssh_private_key": "sshPrivateKey"},
):
    uid: Int32 | None = None
    gid: Int32 | None = None
    ssh_private_key: str | None = None


class WindowsUserConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"login_mode": "loginMode"},
):
    login_mode: LoginMode | None = None


class UserAccount(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "elevation_level": "elevationLevel",
        "linux_user_configuration": "linuxUserConfiguration",
        "windows_user_configuration": "windowsUserConfiguration",
    },
):
    name: str | None = None
    password: str | None = None
    elevation_level: ElevationLevel | None = None
    linux_user_configuration: LinuxUserConfiguration | None = None
    windows_user_configuration: WindowsUserConfiguration | None = None


class BatchMetadataItem(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    name: str | None = None
    value: str | None = None


class NfsMountConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"relative_mount_path": "relativeMountPath", "mount_options": "mountOptions"},
):
    source: str | None = None
    relative_mount_path: str | None = None
    mount_options: str | None = None


class CifsMountConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"relative_mount_path": "relativeMountPath", "mount_options": "mountOptions"},
):
    username: str | None = None
    source: str | None = None
    relative_mount_path: str | None = None
    mount_options: str | None = None
    password: str | None = None


class MountConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "azure_blob_file_system_configuration": "azureBlobFileSystemConfiguration",
        "nfs_mount_configuration": "nfsMountConfiguration",
        "cifs_mount_configuration": "cifsMountConfiguration",
        "azure_file_share_configuration": "azureFileShareConfiguration",
    },
):
    azure_blob_file_system_configuration: AzureBlobFileSystemConfiguration | None = None
    nfs_mount_configuration: NfsMountConfiguration | None = None
    cifs_mount_configuration: CifsMountConfiguration | None = None
    azure_file_share_configuration: AzureFileShareConfiguration | None = None


class RollingUpgradePolicy(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "enable_cross_zone_upgrade": "enableCrossZoneUpgrade",
        "max_batch_instance_percent": "maxBatchInstancePercent",
        "max_unhealthy_instance_percent": "maxUnhealthyInstancePercent",
        "max_unhealthy_upgraded_instance_percent": "maxUnhealthyUpgradedInstancePercent",
        "pause_time_between_batches": "pauseTimeBetweenBatches",
        "prioritize_unhealthy_instances": "prioritizeUnhealthyInstances",
        "rollback_failed_instances_on_policy_breach": "rollbackFailedInstancesOnPolicyBreach",
    },
):
    enable_cross_zone_upgrade: bool | None = None
    max_batch_instance_percent: Int32 | None = None
    max_unhealthy_instance_percent: Int32 | None = None
    max_unhealthy_upgraded_instance_percent: Int32 | None = None
    pause_time_between_batches: str | None = None
    prioritize_unhealthy_instances: bool | None = None
    rollback_failed_instances_on_policy_breach: bool | None = None


class UpgradePolicy(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "automatic_os_upgrade_policy": "automaticOSUpgradePolicy",
        "rolling_upgrade_policy": "rollingUpgradePolicy",
    },
):
    mode: UpgradeMode | None = None
    automatic_os_upgrade_policy: AutomaticOsUpgradePolicy | None = None
    rolling_upgrade_policy: RollingUpgradePolicy | None = None


class CloudServiceConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"os_family": "osFamily", "os_version": "osVersion"},
):
    os_family: str | None = None
    os_version: str | None = None


class CertificateReference(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "thumbprint_algorithm": "thumbprintAlgorithm",
        "store_location": "storeLocation",
        "store_name": "storeName",
    },
):
    thumbprint: str | None = None
    thumbprint_algorithm: str | None = None
    store_location: CertificateStoreLocation | None = None
    store_name: str | None = None
    visibility: list[CertificateVisibility] | None = None


class BatchPoolSpecification(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "display_name": "displayName",
        "vm_size": "vmSize",
        "virtual_machine_configuration": "virtualMachineConfiguration",
        "task_slots_per_node": "taskSlotsPerNode",
        "task_scheduling_policy": "taskSchedulingPolicy",
        "resize_timeout": "resizeTimeout",
        "target_dedicated_nodes": "targetDedicatedNodes",
        "target_low_priority_nodes": "targetLowPriorityNodes",
        "enable_auto_scale": "enableAutoScale",
        "auto_scale_formula": "autoScaleFormula",
        "auto_scale_evaluation_interval": "autoScaleEvaluationInterval",
        "enable_inter_node_communication": "enableInterNodeCommunication",
        "network_configuration": "networkConfiguration",
        "start_task": "startTask",
        "application_package_references": "applicationPackageReferences",
        "user_accounts": "userAccounts",
        "mount_configuration": "mountConfiguration",
        "upgrade_policy": "upgradePolicy",
        "cloud_service_configuration": "cloudServiceConfiguration",
        "certificate_references": "certificateReferences",
        "application_licenses": "applicationLicenses",
        "target_node_communication_mode": "targetNodeCommunicationMode",
        "resource_tags": "resourceTags",
    },
):
    display_name: str | None = None
    vm_size: str | None = None
    virtual_machine_configuration: VirtualMachineConfiguration | None = None
    task_slots_per_node: Int32 | None = None
    task_scheduling_policy: BatchTaskSchedulingPolicy | None = None
    resize_timeout: str | None = None
    target_dedicated_nodes: Int32 | None = None
    target_low_priority_nodes: Int32 | None = None
    enable_auto_scale: bool | None = None
    auto_scale_formula: str | None = None
    auto_scale_evaluation_interval: str | None = None
    enable_inter_node_communication: bool | None = None
    network_configuration: NetworkConfiguration | None = None
    start_task: BatchStartTask | None = None
    application_package_references: list[BatchApplicationPackageReference] | None = None
    user_accounts: list[UserAccount] | None = None
    metadata: list[BatchMetadataItem] | None = None
    mount_configuration: list[MountConfiguration] | None = None
    upgrade_policy: UpgradePolicy | None = None
    cloud_service_configuration: CloudServiceConfiguration | None = None
    certificate_references: list[CertificateReference] | None = None
    application_licenses: list[str] | None = None
    target_node_communication_mode: NodeCommunicationMode | None = None
    resource_tags: Any | None = None


class BatchAutoPoolSpecification(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "auto_pool_id_prefix": "autoPoolIdPrefix",
        "pool_lifetime_option": "poolLifetimeOption",
        "keep_alive": "keepAlive",
    },
):
    auto_pool_id_prefix: str | None = None
    pool_lifetime_option: BatchPoolLifetimeOption | None = None
    keep_alive: bool | None = None
    pool: BatchPoolSpecification | None = None


class BatchErrorMessage(WireStruct, frozen=True, kw_only=True, omit_defaults=True):
    lang: str | None = None
    value: str | None = None


class BatchErrorDetail(WireStruct, frozen=True, kw_only=True, omit_defaults=True):
    key: str | None = None
    value: str | None = None


class BatchError(WireStruct, frozen=True, kw_only=True, omit_defaults=True):
    code: str | None = None
    message: BatchErrorMessage | None = None
    values: list[BatchErrorDetail] | None = None


class BatchTaskCreateResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"task_id": "taskId", "etag": "eTag", "last_modified": "lastModified"},
):
    status: BatchTaskAddStatus | None = None
    task_id: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    location: str | None = None
    error: BatchError | None = None


class BatchCreateTaskCollectionResult(WireStruct, frozen=True, kw_only=True, omit_defaults=True):
    value: list[BatchTaskCreateResult] | None = None


class BatchJobConstraints(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"max_wall_clock_time": "maxWallClockTime", "max_task_retry_count": "maxTaskRetryCount"},
):
    max_wall_clock_time: str | None = None
    max_task_retry_count: Int32 | None = None


class OutputFileUploadHeader(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    name: str | None = None
    value: str | None = None


class OutputFileBlobContainerDestination(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "container_url": "containerUrl",
        "identity_reference": "identityReference",
        "upload_headers": "uploadHeaders",
    },
):
    path: str | None = None
    container_url: str | None = None
    identity_reference: BatchNodeIdentityReference | None = None
    upload_headers: list[OutputFileUploadHeader] | None = None


class OutputFileDestination(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    container: OutputFileBlobContainerDestination | None = None


class OutputFileUploadConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"upload_condition": "uploadCondition"},
):
    upload_condition: OutputFileUploadCondition | None = None


class OutputFile(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"file_pattern": "filePattern", "upload_options": "uploadOptions"},
):
    file_pattern: str | None = None
    destination: OutputFileDestination | None = None
    upload_options: OutputFileUploadConfiguration | None = None


class BatchTaskConstraints(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "max_wall_clock_time": "maxWallClockTime",
        "retention_time": "retentionTime",
        "max_task_retry_count": "maxTaskRetryCount",
    },
):
    max_wall_clock_time: str | None = None
    retention_time: str | None = None
    max_task_retry_count: Int32 | None = None


class BatchJobManagerTask(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "display_name": "displayName",
        "command_line": "commandLine",
        "container_settings": "containerSettings",
        "resource_files": "resourceFiles",
        "output_files": "outputFiles",
        "environment_settings": "environmentSettings",
        "required_slots": "requiredSlots",
        "kill_job_on_completion": "killJobOnCompletion",
        "user_identity": "userIdentity",
        "run_exclusive": "runExclusive",
        "application_package_references": "applicationPackageReferences",
        "allow_low_priority_node": "allowLowPriorityNode",
        "authentication_token_settings": "authenticationTokenSettings",
    },
):
    id: str | None = None
    display_name: str | None = None
    command_line: str | None = None
    container_settings: BatchTaskContainerSettings | None = None
    resource_files: list[ResourceFile] | None = None
    output_files: list[OutputFile] | None = None
    environment_settings: list[EnvironmentSetting] | None = None
    constraints: BatchTaskConstraints | None = None
    required_slots: Int32 | None = None
    kill_job_on_completion: bool | None = None
    user_identity: UserIdentity | None = None
    run_exclusive: bool | None = None
    application_package_references: list[BatchApplicationPackageReference] | None = None
    allow_low_priority_node: bool | None = None
    authentication_token_settings: AuthenticationTokenSettings | None = None


class BatchJobPreparationTask(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "command_line": "commandLine",
        "container_settings": "containerSettings",
        "resource_files": "resourceFiles",
        "environment_settings": "environmentSettings",
        "wait_for_success": "waitForSuccess",
        "user_identity": "userIdentity",
        "rerun_on_node_reboot_after_success": "rerunOnNodeRebootAfterSuccess",
    },
):
    id: str | None = None
    command_line: str | None = None
    container_settings: BatchTaskContainerSettings | None = None
    resource_files: list[ResourceFile] | None = None
    environment_settings: list[EnvironmentSetting] | None = None
    constraints: BatchTaskConstraints | None = None
    wait_for_success: bool | None = None
    user_identity: UserIdentity | None = None
    rerun_on_node_reboot_after_success: bool | None = None


class BatchJobReleaseTask(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "command_line": "commandLine",
        "container_settings": "containerSettings",
        "resource_files": "resourceFiles",
        "environment_settings": "environmentSettings",
        "max_wall_clock_time": "maxWallClockTime",
        "retention_time": "retentionTime",
        "user_identity": "userIdentity",
    },
):
    id: str | None = None
    command_line: str | None = None
    container_settings: BatchTaskContainerSettings | None = None
    resource_files: list[ResourceFile] | None = None
    environment_settings: list[EnvironmentSetting] | None = None
    max_wall_clock_time: str | None = None
    retention_time: str | None = None
    user_identity: UserIdentity | None = None


class BatchPoolInfo(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"pool_id": "poolId", "auto_pool_specification": "autoPoolSpecification"},
):
    pool_id: str | None = None
    auto_pool_specification: BatchAutoPoolSpecification | None = None


class BatchJobNetworkConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"subnet_id": "subnetId", "skip_withdraw_from_v_net": "skipWithdrawFromVNet"},
):
    subnet_id: str | None = None
    skip_withdraw_from_v_net: bool | None = None


class BatchJobSchedulingError(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    category: BatchErrorSourceCategory | None = None
    code: str | None = None
    message: str | None = None
    details: list[NameValuePair] | None = None


class BatchJobExecutionInfo(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "start_time": "startTime",
        "end_time": "endTime",
        "pool_id": "poolId",
        "scheduling_error": "schedulingError",
        "terminate_reason": "terminateReason",
    },
):
    start_time: str | None = None
    end_time: str | None = None
    pool_id: str | None = None
    scheduling_error: BatchJobSchedulingError | None = None
    terminate_reason: str | None = None


class BatchJobStatistics(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "start_time": "startTime",
        "last_update_time": "lastUpdateTime",
        "user_cpu_time": "userCPUTime",
        "kernel_cpu_time": "kernelCPUTime",
        "wall_clock_time": "wallClockTime",
        "read_iops": "readIOps",
        "write_iops": "writeIOps",
        "read_io_gib": "readIOGiB",
        "write_io_gib": "writeIOGiB",
        "num_succeeded_tasks": "numSucceededTasks",
        "num_failed_tasks": "numFailedTasks",
        "num_task_retries": "numTaskRetries",
        "wait_time": "waitTime",
    },
):
    url: str | None = None
    start_time: str | None = None
    last_update_time: str | None = None
    user_cpu_time: str | None = None
    kernel_cpu_time: str | None = None
    wall_clock_time: str | None = None
    read_iops: Int64 | None = None
    write_iops: Int64 | None = None
    read_io_gib: float | None = None
    write_io_gib: float | None = None
    num_succeeded_tasks: Int64 | None = None
    num_failed_tasks: Int64 | None = None
    num_task_retries: Int64 | None = None
    wait_time: str | None = None


class BatchJob(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "display_name": "displayName",
        "uses_task_dependencies": "usesTaskDependencies",
        "etag": "eTag",
        "last_modified": "lastModified",
        "creation_time": "creationTime",
        "state_transition_time": "stateTransitionTime",
        "previous_state": "previousState",
        "previous_state_transition_time": "previousStateTransitionTime",
        "allow_task_preemption": "allowTaskPreemption",
        "max_parallel_tasks": "maxParallelTasks",
        "job_manager_task": "jobManagerTask",
        "job_preparation_task": "jobPreparationTask",
        "job_release_task": "jobReleaseTask",
        "common_environment_settings": "commonEnvironmentSettings",
        "pool_info": "poolInfo",
        "on_all_tasks_complete": "onAllTasksComplete",
        "on_task_failure": "onTaskFailure",
        "network_configuration": "networkConfiguration",
        "execution_info": "executionInfo",
    },
):
    id: str | None = None
    display_name: str | None = None
    uses_task_dependencies: bool | None = None
    url: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    creation_time: str | None = None
    state: BatchJobState | None = None
    state_transition_time: str | None = None
    previous_state: BatchJobState | None = None
    previous_state_transition_time: str | None = None
    priority: Int32 | None = None
    allow_task_preemption: bool | None = None
    max_parallel_tasks: Int32 | None = None
    constraints: BatchJobConstraints | None = None
    job_manager_task: BatchJobManagerTask | None = None
    job_preparation_task: BatchJobPreparationTask | None = None
    job_release_task: BatchJobReleaseTask | None = None
    common_environment_settings: list[EnvironmentSetting] | None = None
    pool_info: BatchPoolInfo | None = None
    on_all_tasks_complete: BatchAllTasksCompleteMode | None = None
    on_task_failure: BatchTaskFailureMode | None = None
    network_configuration: BatchJobNetworkConfiguration | None = None
    metadata: list[BatchMetadataItem] | None = None
    execution_info: BatchJobExecutionInfo | None = None
    stats: BatchJobStatistics | None = None


class BatchJobCreateOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "display_name": "displayName",
        "uses_task_dependencies": "usesTaskDependencies",
        "allow_task_preemption": "allowTaskPreemption",
        "max_parallel_tasks": "maxParallelTasks",
        "job_manager_task": "jobManagerTask",
        "job_preparation_task": "jobPreparationTask",
        "job_release_task": "jobReleaseTask",
        "common_environment_settings": "commonEnvironmentSettings",
        "pool_info": "poolInfo",
        "on_all_tasks_complete": "onAllTasksComplete",
        "on_task_failure": "onTaskFailure",
        "network_configuration": "networkConfiguration",
    },
):
    id: str | None = None
    display_name: str | None = None
    uses_task_dependencies: bool | None = None
    priority: Int32 | None = None
    allow_task_preemption: bool | None = None
    max_parallel_tasks: Int32 | None = None
    constraints: BatchJobConstraints | None = None
    job_manager_task: BatchJobManagerTask | None = None
    job_preparation_task: BatchJobPreparationTask | None = None
    job_release_task: BatchJobReleaseTask | None = None
    common_environment_settings: list[EnvironmentSetting] | None = None
    pool_info: BatchPoolInfo | None = None
    on_all_tasks_complete: BatchAllTasksCompleteMode | None = None
    on_task_failure: BatchTaskFailureMode | None = None
    network_configuration: BatchJobNetworkConfiguration | None = None
    metadata: list[BatchMetadataItem] | None = None


class BatchJobDisableOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"disable_tasks": "disableTasks"},
):
    disable_tasks: DisableBatchJobOption | None = None


class BatchJobListResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"odata_next_link": "odata.nextLink"},
):
    value: list[BatchJob] | None = None
    odata_next_link: str | None = None


class BatchTaskContainerExecutionInfo(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"container_id": "containerId"},
):
    container_id: str | None = None
    state: str | None = None
    error: str | None = None


class BatchTaskFailureInfo(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    category: BatchErrorSourceCategory | None = None
    code: str | None = None
    message: str | None = None
    details: list[NameValuePair] | None = None


class BatchJobPreparationTaskExecutionInfo(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "start_time": "startTime",
        "end_time": "endTime",
        "task_root_directory": "taskRootDirectory",
        "task_root_directory_url": "taskRootDirectoryUrl",
        "exit_code": "exitCode",
        "container_info": "containerInfo",
        "failure_info": "failureInfo",
        "retry_count": "retryCount",
        "last_retry_time": "lastRetryTime",
    },
):
    start_time: str | None = None
    end_time: str | None = None
    state: BatchJobPreparationTaskState | None = None
    task_root_directory: str | None = None
    task_root_directory_url: str | None = None
    exit_code: Int32 | None = None
    container_info: BatchTaskContainerExecutionInfo | None = None
    failure_info: BatchTaskFailureInfo | None = None
    retry_count: Int32 | None = None
    last_retry_time: str | None = None
    result: BatchTaskExecutionResult | None = None


class BatchJobReleaseTaskExecutionInfo(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "start_time": "startTime",
        "end_time": "endTime",
        "task_root_directory": "taskRootDirectory",
        "task_root_directory_url": "taskRootDirectoryUrl",
        "exit_code": "exitCode",
        "container_info": "containerInfo",
        "failure_info": "failureInfo",
    },
):
    start_time: str | None = None
    end_time: str | None = None
    state: BatchJobReleaseTaskState | None = None
    task_root_directory: str | None = None
    task_root_directory_url: str | None = None
    exit_code: Int32 | None = None
    container_info: BatchTaskContainerExecutionInfo | None = None
    failure_info: BatchTaskFailureInfo | None = None
    result: BatchTaskExecutionResult | None = None


class BatchJobPreparationAndReleaseTaskStatus(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "pool_id": "poolId",
        "node_id": "nodeId",
        "node_url": "nodeUrl",
        "job_preparation_task_execution_info": "jobPreparationTaskExecutionInfo",
        "job_release_task_execution_info": "jobReleaseTaskExecutionInfo",
    },
):
    pool_id: str | None = None
    node_id: str | None = None
    node_url: str | None = None
    job_preparation_task_execution_info: BatchJobPreparationTaskExecutionInfo | None = None
    job_release_task_execution_info: BatchJobReleaseTaskExecutionInfo | None = None


class BatchJobPreparationAndReleaseTaskStatusListResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"odata_next_link": "odata.nextLink"},
):
    value: list[BatchJobPreparationAndReleaseTaskStatus] | None = None
    odata_next_link: str | None = None


class BatchJobScheduleConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "do_not_run_until": "doNotRunUntil",
        "do_not_run_after": "doNotRunAfter",
        "start_window": "startWindow",
        "recurrence_interval": "recurrenceInterval",
    },
):
    do_not_run_until: str | None = None
    do_not_run_after: str | None = None
    start_window: str | None = None
    recurrence_interval: str | None = None


class BatchJobSpecification(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "allow_task_preemption": "allowTaskPreemption",
        "max_parallel_tasks": "maxParallelTasks",
        "display_name": "displayName",
        "uses_task_dependencies": "usesTaskDependencies",
        "on_all_tasks_complete": "onAllTasksComplete",
        "on_task_failure": "onTaskFailure",
        "network_configuration": "networkConfiguration",
        "job_manager_task": "jobManagerTask",
        "job_preparation_task": "jobPreparationTask",
        "job_release_task": "jobReleaseTask",
        "common_environment_settings": "commonEnvironmentSettings",
        "pool_info": "poolInfo",
    },
):
    priority: Int32 | None = None
    allow_task_preemption: bool | None = None
    max_parallel_tasks: Int32 | None = None
    display_name: str | None = None
    uses_task_dependencies: bool | None = None
    on_all_tasks_complete: BatchAllTasksCompleteMode | None = None
    on_task_failure: BatchTaskFailureMode | None = None
    network_configuration: BatchJobNetworkConfiguration | None = None
    constraints: BatchJobConstraints | None = None
    job_manager_task: BatchJobManagerTask | None = None
    job_preparation_task: BatchJobPreparationTask | None = None
    job_release_task: BatchJobReleaseTask | None = None
    common_environment_settings: list[EnvironmentSetting] | None = None
    pool_info: BatchPoolInfo | None = None
    metadata: list[BatchMetadataItem] | None = None


class RecentBatchJob(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    id: str | None = None
    url: str | None = None


class BatchJobScheduleExecutionInfo(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"next_run_time": "nextRunTime", "recent_job": "recentJob", "end_time": "endTime"},
):
    next_run_time: str | None = None
    recent_job: RecentBatchJob | None = None
    end_time: str | None = None


class BatchJobScheduleStatistics(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "start_time": "startTime",
        "last_update_time": "lastUpdateTime",
        "user_cpu_time": "userCPUTime",
        "kernel_cpu_time": "kernelCPUTime",
        "wall_clock_time": "wallClockTime",
        "read_iops": "readIOps",
        "write_iops": "writeIOps",
        "read_io_gib": "readIOGiB",
        "write_io_gib": "writeIOGiB",
        "num_succeeded_tasks": "numSucceededTasks",
        "num_failed_tasks": "numFailedTasks",
        "num_task_retries": "numTaskRetries",
        "wait_time": "waitTime",
    },
):
    url: str | None = None
    start_time: str | None = None
    last_update_time: str | None = None
    user_cpu_time: str | None = None
    kernel_cpu_time: str | None = None
    wall_clock_time: str | None = None
    read_iops: Int64 | None = None
    write_iops: Int64 | None = None
    read_io_gib: float | None = None
    write_io_gib: float | None = None
    num_succeeded_tasks: Int64 | None = None
    num_failed_tasks: Int64 | None = None
    num_task_retries: Int64 | None = None
    wait_time: str | None = None


class BatchJobSchedule(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "display_name": "displayName",
        "etag": "eTag",
        "last_modified": "lastModified",
        "creation_time": "creationTime",
        "state_transition_time": "stateTransitionTime",
        "previous_state": "previousState",
        "previous_state_transition_time": "previousStateTransitionTime",
        "job_specification": "jobSpecification",
        "execution_info": "executionInfo",
    },
):
    id: str | None = None
    display_name: str | None = None
    url: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    creation_time: str | None = None
    state: BatchJobScheduleState | None = None
    state_transition_time: str | None = None
    previous_state: BatchJobScheduleState | None = None
    previous_state_transition_time: str | None = None
    schedule: BatchJobScheduleConfiguration | None = None
    job_specification: BatchJobSpecification | None = None
    execution_info: BatchJobScheduleExecutionInfo | None = None
    metadata: list[BatchMetadataItem] | None = None
    stats: BatchJobScheduleStatistics | None = None


class BatchJobScheduleCreateOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"display_name": "displayName", "job_specification": "jobSpecification"},
):
    id: str | None = None
    display_name: str | None = None
    schedule: BatchJobScheduleConfiguration | None = None
    job_specification: BatchJobSpecification | None = None
    metadata: list[BatchMetadataItem] | None = None


class BatchJobScheduleListResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"odata_next_link": "odata.nextLink"},
):
    value: list[BatchJobSchedule] | None = None
    odata_next_link: str | None = None


class BatchJobScheduleUpdateOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"job_specification": "jobSpecification"},
):
    schedule: BatchJobScheduleConfiguration | None = None
    job_specification: BatchJobSpecification | None = None
    metadata: list[BatchMetadataItem] | None = None


class BatchJobTerminateOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"terminate_reason": "terminateReason"},
):
    terminate_reason: str | None = None


class BatchJobUpdateOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "allow_task_preemption": "allowTaskPreemption",
        "max_parallel_tasks": "maxParallelTasks",
        "pool_info": "poolInfo",
        "on_all_tasks_complete": "onAllTasksComplete",
        "network_configuration": "networkConfiguration",
    },
):
    priority: Int32 | None = None
    allow_task_preemption: bool | None = None
    max_parallel_tasks: Int32 | None = None
    constraints: BatchJobConstraints | None = None
    pool_info: BatchPoolInfo | None = None
    on_all_tasks_complete: BatchAllTasksCompleteMode | None = None
    metadata: list[BatchMetadataItem] | None = None
    network_configuration: BatchJobNetworkConfiguration | None = None


class BatchTaskExecutionInfo(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "start_time": "startTime",
        "end_time": "endTime",
        "exit_code": "exitCode",
        "container_info": "containerInfo",
        "failure_info": "failureInfo",
        "retry_count": "retryCount",
        "last_retry_time": "lastRetryTime",
        "requeue_count": "requeueCount",
        "last_requeue_time": "lastRequeueTime",
    },
):
    start_time: str | None = None
    end_time: str | None = None
    exit_code: Int32 | None = None
    container_info: BatchTaskContainerExecutionInfo | None = None
    failure_info: BatchTaskFailureInfo | None = None
    retry_count: Int32 | None = None
    last_retry_time: str | None = None
    requeue_count: Int32 | None = None
    last_requeue_time: str | None = None
    result: BatchTaskExecutionResult | None = None


class BatchTaskInfo(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "task_url": "taskUrl",
        "job_id": "jobId",
        "task_id": "taskId",
        "subtask_id": "subtaskId",
        "task_state": "taskState",
        "execution_info": "executionInfo",
    },
):
    task_url: str | None = None
    job_id: str | None = None
    task_id: str | None = None
    subtask_id: Int32 | None = None
    task_state: BatchTaskState | None = None
    execution_info: BatchTaskExecutionInfo | None = None


class BatchStartTaskInfo(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "start_time": "startTime",
        "end_time": "endTime",
        "exit_code": "exitCode",
        "container_info": "containerInfo",
        "failure_info": "failureInfo",
        "retry_count": "retryCount",
        "last_retry_time": "lastRetryTime",
    },
):
    state: BatchStartTaskState | None = None
    start_time: str | None = None
    end_time: str | None = None
    exit_code: Int32 | None = None
    container_info: BatchTaskContainerExecutionInfo | None = None
    failure_info: BatchTaskFailureInfo | None = None
    retry_count: Int32 | None = None
    last_retry_time: str | None = None
    result: BatchTaskExecutionResult | None = None


class BatchNodeError(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"error_details": "errorDetails"},
):
    code: str | None = None
    message: str | None = None
    error_details: list[NameValuePair] | None = None


class InboundEndpoint(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "public_ip_address": "publicIPAddress",
        "public_fqdn": "publicFQDN",
        "frontend_port": "frontendPort",
        "backend_port": "backendPort",
    },
):
    name: str | None = None
    protocol: InboundEndpointProtocol | None = None
    public_ip_address: str | None = None
    public_fqdn: str | None = None
    frontend_port: Int32 | None = None
    backend_port: Int32 | None = None


class BatchNodeEndpointConfiguration(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"inbound_endpoints": "inboundEndpoints"},
):
    inbound_endpoints: list[InboundEndpoint] | None = None


class BatchNodeAgentInfo(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"last_update_time": "lastUpdateTime"},
):
    version: str | None = None
    last_update_time: str | None = None


class VirtualMachineInfo(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "image_reference": "imageReference",
        "scale_set_vm_resource_id": "scaleSetVmResourceId",
    },
):
    image_reference: BatchVmImageReference | None = None
    scale_set_vm_resource_id: str | None = None


class BatchNode(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "scheduling_state": "schedulingState",
        "state_transition_time": "stateTransitionTime",
        "last_boot_time": "lastBootTime",
        "allocation_time": "allocationTime",
        "ip_address": "ipAddress",
        "ipv6_address": "ipv6Address",
        "affinity_id": "affinityId",
        "vm_size": "vmSize",
        "total_tasks_run": "totalTasksRun",
        "running_tasks_count": "runningTasksCount",
        "running_task_slots_count": "runningTaskSlotsCount",
        "total_tasks_succeeded": "totalTasksSucceeded",
        "recent_tasks": "recentTasks",
        "start_task": "startTask",
        "start_task_info": "startTaskInfo",
        "is_dedicated": "isDedicated",
        "endpoint_configuration": "endpointConfiguration",
        "node_agent_info": "nodeAgentInfo",
        "virtual_machine_info": "virtualMachineInfo",
        "certificate_references": "certificateReferences",
    },
):
    id: str | None = None
    url: str | None = None
    state: BatchNodeState | None = None
    scheduling_state: SchedulingState | None = None
    state_transition_time: str | None = None
    last_boot_time: str | None = None
    allocation_time: str | None = None
    ip_address: str | None = None
    ipv6_address: str | None = None
    affinity_id: str | None = None
    vm_size: str | None = None
    total_tasks_run: Int32 | None = None
    running_tasks_count: Int32 | None = None
    running_task_slots_count: Int32 | None = None
    total_tasks_succeeded: Int32 | None = None
    recent_tasks: list[BatchTaskInfo] | None = None
    start_task: BatchStartTask | None = None
    start_task_info: BatchStartTaskInfo | None = None
    errors: list[BatchNodeError] | None = None
    is_dedicated: bool | None = None
    endpoint_configuration: BatchNodeEndpointConfiguration | None = None
    node_agent_info: BatchNodeAgentInfo | None = None
    virtual_machine_info: VirtualMachineInfo | None = None
    certificate_references: list[CertificateReference] | None = None


class BatchNodeCounts(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "start_task_failed": "startTaskFailed",
        "leaving_pool": "leavingPool",
        "waiting_for_start_task": "waitingForStartTask",
        "upgrading_os": "upgradingOS",
    },
):
    creating: Int32 | None = None
    idle: Int32 | None = None
    offline: Int32 | None = None
    preempted: Int32 | None = None
    rebooting: Int32 | None = None
    reimaging: Int32 | None = None
    running: Int32 | None = None
    starting: Int32 | None = None
    start_task_failed: Int32 | None = None
    leaving_pool: Int32 | None = None
    unknown: Int32 | None = None
    unusable: Int32 | None = None
    waiting_for_start_task: Int32 | None = None
    deallocated: Int32 | None = None
    deallocating: Int32 | None = None
    total: Int32 | None = None
    upgrading_os: Int32 | None = None


class BatchNodeDeallocateOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"node_deallocate_option": "nodeDeallocateOption"},
):
    node_deallocate_option: BatchNodeDeallocateOption | None = None


class BatchNodeDisableSchedulingOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"node_disable_scheduling_option": "nodeDisableSchedulingOption"},
):
    node_disable_scheduling_option: BatchNodeDisableSchedulingOption | None = None


class FileProperties(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "creation_time": "creationTime",
        "last_modified": "lastModified",
        "content_length": "contentLength",
        "content_type": "contentType",
        "file_mode": "fileMode",
    },
):
    creation_time: str | None = None
    last_modified: str | None = None
    content_length: Int64 | None = None
    content_type: str | None = None
    file_mode: str | None = None


class BatchNodeFile(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"is_directory": "isDirectory"},
):
    name: str | None = None
    url: str | None = None
    is_directory: bool | None = None
    properties: FileProperties | None = None


class BatchNodeFileListResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"odata_next_link": "odata.nextLink"},
):
    value: list[BatchNodeFile] | None = None
    odata_next_link: str | None = None


class BatchNodeInfo(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "affinity_id": "affinityId",
        "node_url": "nodeUrl",
        "pool_id": "poolId",
        "node_id": "nodeId",
        "task_root_directory": "taskRootDirectory",
        "task_root_directory_url": "taskRootDirectoryUrl",
    },
):
    affinity_id: str | None = None
    node_url: str | None = None
    pool_id: str | None = None
    node_id: str | None = None
    task_root_directory: str | None = None
    task_root_directory_url: str | None = None


class BatchNodeListResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"odata_next_link": "odata.nextLink"},
):
    value: list[BatchNode] | None = None
    odata_next_link: str | None = None


class BatchNodeRebootOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"node_reboot_option": "nodeRebootOption"},
):
    node_reboot_option: BatchNodeRebootKind | None = None


class BatchNodeReimageOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"node_reimage_option": "nodeReimageOption"},
):
    node_reimage_option: BatchNodeReimageOption | None = None


class BatchNodeRemoteLoginSettings(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "ipv6_remote_login_ip_address": "ipv6RemoteLoginIPAddress",
        "ipv6_remote_login_port": "ipv6RemoteLoginPort",
        "remote_login_ip_address": "remoteLoginIPAddress",
        "remote_login_port": "remoteLoginPort",
    },
):
    ipv6_remote_login_ip_address: str | None = None
    ipv6_remote_login_port: Int32 | None = None
    remote_login_ip_address: str | None = None
    remote_login_port: Int32 | None = None


class BatchNodeRemoveOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "node_list": "nodeList",
        "resize_timeout": "resizeTimeout",
        "node_deallocation_option": "nodeDeallocationOption",
    },
):
    node_list: list[str] | None = None
    resize_timeout: str | None = None
    node_deallocation_option: BatchNodeDeallocationOption | None = None


class BatchNodeUserCreateOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"is_admin": "isAdmin", "expiry_time": "expiryTime", "ssh_public_key": "sshPublicKey"},
):
    name: str | None = None
    is_admin: bool | None = None
    expiry_time: str | None = None
    password: str | None = None
    ssh_public_key: str | None = None


class BatchNodeUserReplaceOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"expiry_time": "expiryTime", "ssh_public_key": "sshPublicKey"},
):
    password: str | None = None
    expiry_time: str | None = None
    ssh_public_key: str | None = None


class InstanceViewStatus(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"display_status": "displayStatus"},
):
    code: str | None = None
    display_status: str | None = None
    level: StatusLevelTypes | None = None
    message: str | None = None
    time: str | None = None


class VMExtensionInstanceView(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"sub_statuses": "subStatuses"},
):
    name: str | None = None
    statuses: list[InstanceViewStatus] | None = None
    sub_statuses: list[InstanceViewStatus] | None = None


class BatchNodeVMExtension(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "provisioning_state": "provisioningState",
        "vm_extension": "vmExtension",
        "instance_view": "instanceView",
    },
):
    provisioning_state: str | None = None
    vm_extension: VMExtension | None = None
    instance_view: VMExtensionInstanceView | None = None


class BatchNodeVMExtensionListResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"odata_next_link": "odata.nextLink"},
):
    value: list[BatchNodeVMExtension] | None = None
    odata_next_link: str | None = None


class ResizeError(WireStruct, frozen=True, kw_only=True, omit_defaults=True):
    code: str | None = None
    message: str | None = None
    values: list[NameValuePair] | None = None


class BatchPoolUsageStatistics(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "start_time": "startTime",
        "last_update_time": "lastUpdateTime",
        "dedicated_core_time": "dedicatedCoreTime",
    },
):
    start_time: str | None = None
    last_update_time: str | None = None
    dedicated_core_time: str | None = None


class BatchPoolResourceStatistics(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "start_time": "startTime",
        "last_update_time": "lastUpdateTime",
        "avg_cpu_percentage": "avgCPUPercentage",
        "avg_memory_gib": "avgMemoryGiB",
        "peak_memory_gib": "peakMemoryGiB",
        "avg_disk_gib": "avgDiskGiB",
        "peak_disk_gib": "peakDiskGiB",
        "disk_read_iops": "diskReadIOps",
        "disk_write_iops": "diskWriteIOps",
        "disk_read_gib": "diskReadGiB",
        "disk_write_gib": "diskWriteGiB",
        "network_read_gib": "networkReadGiB",
        "network_write_gib": "networkWriteGiB",
    },
):
    start_time: str | None = None
    last_update_time: str | None = None
    avg_cpu_percentage: float | None = None
    avg_memory_gib: float | None = None
    peak_memory_gib: float | None = None
    avg_disk_gib: float | None = None
    peak_disk_gib: float | None = None
    disk_read_iops: Int64 | None = None
    disk_write_iops: Int64 | None = None
    disk_read_gib: float | None = None
    disk_write_gib: float | None = None
    network_read_gib: float | None = None
    network_write_gib: float | None = None


class BatchPoolStatistics(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "start_time": "startTime",
        "last_update_time": "lastUpdateTime",
        "usage_stats": "usageStats",
        "resource_stats": "resourceStats",
    },
):
    url: str | None = None
    start_time: str | None = None
    last_update_time: str | None = None
    usage_stats: BatchPoolUsageStatistics | None = None
    resource_stats: BatchPoolResourceStatistics | None = None


class BatchUserAssignedIdentity(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"resource_id": "resourceId", "client_id": "clientId", "principal_id": "principalId"},
):
    resource_id: str | None = None
    client_id: str | None = None
    principal_id: str | None = None


class BatchPoolIdentity(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"user_assigned_identities": "userAssignedIdentities"},
):
    type: BatchPoolIdentityType | None = None
    user_assigned_identities: list[BatchUserAssignedIdentity] | None = None


class BatchPool(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "display_name": "displayName",
        "etag": "eTag",
        "last_modified": "lastModified",
        "creation_time": "creationTime",
        "state_transition_time": "stateTransitionTime",
        "allocation_state": "allocationState",
        "allocation_state_transition_time": "allocationStateTransitionTime",
        "vm_size": "vmSize",
        "virtual_machine_configuration": "virtualMachineConfiguration",
        "resize_timeout": "resizeTimeout",
        "resize_errors": "resizeErrors",
        "current_dedicated_nodes": "currentDedicatedNodes",
        "current_low_priority_nodes": "currentLowPriorityNodes",
        "target_dedicated_nodes": "targetDedicatedNodes",
        "target_low_priority_nodes": "targetLowPriorityNodes",
        "enable_auto_scale": "enableAutoScale",
        "auto_scale_formula": "autoScaleFormula",
        "auto_scale_evaluation_interval": "autoScaleEvaluationInterval",
        "auto_scale_run": "autoScaleRun",
        "enable_inter_node_communication": "enableInterNodeCommunication",
        "network_configuration": "networkConfiguration",
        "start_task": "startTask",
        "application_package_references": "applicationPackageReferences",
        "task_slots_per_node": "taskSlotsPerNode",
        "task_scheduling_policy": "taskSchedulingPolicy",
        "user_accounts": "userAccounts",
        "mount_configuration": "mountConfiguration",
        "upgrade_policy": "upgradePolicy",
        "cloud_service_configuration": "cloudServiceConfiguration",
        "certificate_references": "certificateReferences",
        "application_licenses": "applicationLicenses",
        "target_node_communication_mode": "targetNodeCommunicationMode",
        "current_node_communication_mode": "currentNodeCommunicationMode",
        "resource_tags": "resourceTags",
    },
):
    id: str | None = None
    display_name: str | None = None
    url: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    creation_time: str | None = None
    state: BatchPoolState | None = None
    state_transition_time: str | None = None
    allocation_state: AllocationState | None = None
    allocation_state_transition_time: str | None = None
    vm_size: str | None = None
    virtual_machine_configuration: VirtualMachineConfiguration | None = None
    resize_timeout: str | None = None
    resize_errors: list[ResizeError] | None = None
    current_dedicated_nodes: Int32 | None = None
    current_low_priority_nodes: Int32 | None = None
    target_dedicated_nodes: Int32 | None = None
    target_low_priority_nodes: Int32 | None = None
    enable_auto_scale: bool | None = None
    auto_scale_formula: str | None = None
    auto_scale_evaluation_interval: str | None = None
    auto_scale_run: AutoScaleRun | None = None
    enable_inter_node_communication: bool | None = None
    network_configuration: NetworkConfiguration | None = None
    start_task: BatchStartTask | None = None
    application_package_references: list[BatchApplicationPackageReference] | None = None
    task_slots_per_node: Int32 | None = None
    task_scheduling_policy: BatchTaskSchedulingPolicy | None = None
    user_accounts: list[UserAccount] | None = None
    metadata: list[BatchMetadataItem] | None = None
    stats: BatchPoolStatistics | None = None
    mount_configuration: list[MountConfiguration] | None = None
    identity: BatchPoolIdentity | None = None
    upgrade_policy: UpgradePolicy | None = None
    cloud_service_configuration: CloudServiceConfiguration | None = None
    certificate_references: list[CertificateReference] | None = None
    application_licenses: list[str] | None = None
    target_node_communication_mode: NodeCommunicationMode | None = None
    current_node_communication_mode: NodeCommunicationMode | None = None
    resource_tags: Any | None = None


class BatchPoolCreateOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "display_name": "displayName",
        "vm_size": "vmSize",
        "virtual_machine_configuration": "virtualMachineConfiguration",
        "resize_timeout": "resizeTimeout",
        "target_dedicated_nodes": "targetDedicatedNodes",
        "target_low_priority_nodes": "targetLowPriorityNodes",
        "enable_auto_scale": "enableAutoScale",
        "auto_scale_formula": "autoScaleFormula",
        "auto_scale_evaluation_interval": "autoScaleEvaluationInterval",
        "enable_inter_node_communication": "enableInterNodeCommunication",
        "network_configuration": "networkConfiguration",
        "start_task": "startTask",
        "application_package_references": "applicationPackageReferences",
        "task_slots_per_node": "taskSlotsPerNode",
        "task_scheduling_policy": "taskSchedulingPolicy",
        "user_accounts": "userAccounts",
        "mount_configuration": "mountConfiguration",
        "upgrade_policy": "upgradePolicy",
        "cloud_service_configuration": "cloudServiceConfiguration",
        "certificate_references": "certificateReferences",
        "application_licenses": "applicationLicenses",
        "target_node_communication_mode": "targetNodeCommunicationMode",
        "resource_tags": "resourceTags",
    },
):
    id: str | None = None
    display_name: str | None = None
    vm_size: str | None = None
    virtual_machine_configuration: VirtualMachineConfiguration | None = None
    resize_timeout: str | None = None
    target_dedicated_nodes: Int32 | None = None
    target_low_priority_nodes: Int32 | None = None
    enable_auto_scale: bool | None = None
    auto_scale_formula: str | None = None
    auto_scale_evaluation_interval: str | None = None
    enable_inter_node_communication: bool | None = None
    network_configuration: NetworkConfiguration | None = None
    start_task: BatchStartTask | None = None
    application_package_references: list[BatchApplicationPackageReference] | None = None
    task_slots_per_node: Int32 | None = None
    task_scheduling_policy: BatchTaskSchedulingPolicy | None = None
    user_accounts: list[UserAccount] | None = None
    metadata: list[BatchMetadataItem] | None = None
    mount_configuration: list[MountConfiguration] | None = None
    upgrade_policy: UpgradePolicy | None = None
    cloud_service_configuration: CloudServiceConfiguration | None = None
    certificate_references: list[CertificateReference] | None = None
    application_licenses: list[str] | None = None
    target_node_communication_mode: NodeCommunicationMode | None = None
    resource_tags: Any | None = None


class BatchPoolEnableAutoScaleOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "auto_scale_formula": "autoScaleFormula",
        "auto_scale_evaluation_interval": "autoScaleEvaluationInterval",
    },
):
    auto_scale_formula: str | None = None
    auto_scale_evaluation_interval: str | None = None


class BatchPoolEvaluateAutoScaleOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"auto_scale_formula": "autoScaleFormula"},
):
    auto_scale_formula: str | None = None


class BatchPoolListResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"odata_next_link": "odata.nextLink"},
):
    value: list[BatchPool] | None = None
    odata_next_link: str | None = None


class BatchPoolNodeCounts(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"pool_id": "poolId", "low_priority": "lowPriority"},
):
    pool_id: str | None = None
    dedicated: BatchNodeCounts | None = None
    low_priority: BatchNodeCounts | None = None


class BatchPoolNodeCountsListResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"odata_next_link": "odata.nextLink"},
):
    value: list[BatchPoolNodeCounts] | None = None
    odata_next_link: str | None = None


class BatchPoolReplaceOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "start_task": "startTask",
        "application_package_references": "applicationPackageReferences",
        "certificate_references": "certificateReferences",
        "target_node_communication_mode": "targetNodeCommunicationMode",
    },
):
    start_task: BatchStartTask | None = None
    application_package_references: list[BatchApplicationPackageReference] | None = None
    metadata: list[BatchMetadataItem] | None = None
    certificate_references: list[CertificateReference] | None = None
    target_node_communication_mode: NodeCommunicationMode | None = None


class BatchPoolResizeOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "target_dedicated_nodes": "targetDedicatedNodes",
        "target_low_priority_nodes": "targetLowPriorityNodes",
        "resize_timeout": "resizeTimeout",
        "node_deallocation_option": "nodeDeallocationOption",
    },
):
    target_dedicated_nodes: Int32 | None = None
    target_low_priority_nodes: Int32 | None = None
    resize_timeout: str | None = None
    node_deallocation_option: BatchNodeDeallocationOption | None = None


class BatchPoolUpdateOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "display_name": "displayName",
        "vm_size": "vmSize",
        "enable_inter_node_communication": "enableInterNodeCommunication",
        "start_task": "startTask",
        "application_package_references": "applicationPackageReferences",
        "virtual_machine_configuration": "virtualMachineConfiguration",
        "task_slots_per_node": "taskSlotsPerNode",
        "task_scheduling_policy": "taskSchedulingPolicy",
        "network_configuration": "networkConfiguration",
        "user_accounts": "userAccounts",
        "mount_configuration": "mountConfiguration",
        "upgrade_policy": "upgradePolicy",
        "certificate_references": "certificateReferences",
        "target_node_communication_mode": "targetNodeCommunicationMode",
    },
):
    display_name: str | None = None
    vm_size: str | None = None
    enable_inter_node_communication: bool | None = None
    start_task: BatchStartTask | None = None
    application_package_references: list[BatchApplicationPackageReference] | None = None
    metadata: list[BatchMetadataItem] | None = None
    virtual_machine_configuration: VirtualMachineConfiguration | None = None
    task_slots_per_node: Int32 | None = None
    task_scheduling_policy: BatchTaskSchedulingPolicy | None = None
    network_configuration: NetworkConfiguration | None = None
    user_accounts: list[UserAccount] | None = None
    mount_configuration: list[MountConfiguration] | None = None
    upgrade_policy: UpgradePolicy | None = None
    certificate_references: list[CertificateReference] | None = None
    target_node_communication_mode: NodeCommunicationMode | None = None


class BatchPoolUsageMetrics(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "pool_id": "poolId",
        "start_time": "startTime",
        "end_time": "endTime",
        "vm_size": "vmSize",
        "total_core_hours": "totalCoreHours",
    },
):
    pool_id: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    vm_size: str | None = None
    total_core_hours: float | None = None


class BatchPoolUsageMetricsListResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"odata_next_link": "odata.nextLink"},
):
    value: list[BatchPoolUsageMetrics] | None = None
    odata_next_link: str | None = None


class BatchSubtask(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "node_info": "nodeInfo",
        "start_time": "startTime",
        "end_time": "endTime",
        "exit_code": "exitCode",
        "container_info": "containerInfo",
        "failure_info": "failureInfo",
        "state_transition_time": "stateTransitionTime",
        "previous_state": "previousState",
        "previous_state_transition_time": "previousStateTransitionTime",
    },
):
    id: Int32 | None = None
    node_info: BatchNodeInfo | None = None
    start_time: str | None = None
    end_time: str | None = None
    exit_code: Int32 | None = None
    container_info: BatchTaskContainerExecutionInfo | None = None
    failure_info: BatchTaskFailureInfo | None = None
    state: BatchSubtaskState | None = None
    state_transition_time: str | None = None
    previous_state: BatchSubtaskState | None = None
    previous_state_transition_time: str | None = None
    result: BatchTaskExecutionResult | None = None


class BatchSubtaskListResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"odata_next_link": "odata.nextLink"},
):
    value: list[BatchSubtask] | None = None
    odata_next_link: str | None = None


class BatchSupportedImage(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "node_agent_sku_id": "nodeAgentSKUId",
        "image_reference": "imageReference",
        "os_type": "osType",
        "batch_support_end_of_life": "batchSupportEndOfLife",
        "verification_type": "verificationType",
    },
):
    node_agent_sku_id: str | None = None
    image_reference: BatchVmImageReference | None = None
    os_type: OSType | None = None
    capabilities: list[str] | None = None
    batch_support_end_of_life: str | None = None
    verification_type: ImageVerificationType | None = None


class BatchSupportedImageListResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"odata_next_link": "odata.nextLink"},
):
    value: list[BatchSupportedImage] | None = None
    odata_next_link: str | None = None


class ExitOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"job_action": "jobAction", "dependency_action": "dependencyAction"},
):
    job_action: BatchJobActionKind | None = None
    dependency_action: DependencyAction | None = None


class ExitCodeMapping(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"exit_options": "exitOptions"},
):
    code: Int32 | None = None
    exit_options: ExitOptions | None = None


class ExitCodeRangeMapping(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"exit_options": "exitOptions"},
):
    start: Int32 | None = None
    end: Int32 | None = None
    exit_options: ExitOptions | None = None


class ExitConditions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "exit_codes": "exitCodes",
        "exit_code_ranges": "exitCodeRanges",
        "pre_processing_error": "preProcessingError",
        "file_upload_error": "fileUploadError",
    },
):
    exit_codes: list[ExitCodeMapping] | None = None
    exit_code_ranges: list[ExitCodeRangeMapping] | None = None
    pre_processing_error: ExitOptions | None = None
    file_upload_error: ExitOptions | None = None
    default: ExitOptions | None = None


class MultiInstanceSettings(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "number_of_instances": "numberOfInstances",
        "coordination_command_line": "coordinationCommandLine",
        "common_resource_files": "commonResourceFiles",
    },
):
    number_of_instances: Int32 | None = None
    coordination_command_line: str | None = None
    common_resource_files: list[ResourceFile] | None = None


class BatchTaskStatistics(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "start_time": "startTime",
        "last_update_time": "lastUpdateTime",
        "user_cpu_time": "userCPUTime",
        "kernel_cpu_time": "kernelCPUTime",
        "wall_clock_time": "wallClockTime",
        "read_iops": "readIOps",
        "write_iops": "writeIOps",
        "read_io_gib": "readIOGiB",
        "write_io_gib": "writeIOGiB",
        "wait_time": "waitTime",
    },
):
    url: str | None = None
    start_time: str | None = None
    last_update_time: str | None = None
    user_cpu_time: str | None = None
    kernel_cpu_time: str | None = None
    wall_clock_time: str | None = None
    read_iops: Int64 | None = None
    write_iops: Int64 | None = None
    read_io_gib: float | None = None
    write_io_gib: float | None = None
    wait_time: str | None = None


class BatchTaskIdRange(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    start: Int32 | None = None
    end: Int32 | None = None


class BatchTaskDependencies(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"task_ids": "taskIds", "task_id_ranges": "taskIdRanges"},
):
    task_ids: list[str] | None = None
    task_id_ranges: list[BatchTaskIdRange] | None = None


class BatchTask(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "display_name": "displayName",
        "etag": "eTag",
        "last_modified": "lastModified",
        "creation_time": "creationTime",
        "exit_conditions": "exitConditions",
        "state_transition_time": "stateTransitionTime",
        "previous_state": "previousState",
        "previous_state_transition_time": "previousStateTransitionTime",
        "command_line": "commandLine",
        "container_settings": "containerSettings",
        "resource_files": "resourceFiles",
        "output_files": "outputFiles",
        "environment_settings": "environmentSettings",
        "affinity_info": "affinityInfo",
        "required_slots": "requiredSlots",
        "user_identity": "userIdentity",
        "execution_info": "executionInfo",
        "node_info": "nodeInfo",
        "multi_instance_settings": "multiInstanceSettings",
        "depends_on": "dependsOn",
        "application_package_references": "applicationPackageReferences",
        "authentication_token_settings": "authenticationTokenSettings",
    },
):
    id: str | None = None
    display_name: str | None = None
    url: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    creation_time: str | None = None
    exit_conditions: ExitConditions | None = None
    state: BatchTaskState | None = None
    state_transition_time: str | None = None
    previous_state: BatchTaskState | None = None
    previous_state_transition_time: str | None = None
    command_line: str | None = None
    container_settings: BatchTaskContainerSettings | None = None
    resource_files: list[ResourceFile] | None = None
    output_files: list[OutputFile] | None = None
    environment_settings: list[EnvironmentSetting] | None = None
    affinity_info: BatchAffinityInfo | None = None
    constraints: BatchTaskConstraints | None = None
    required_slots: Int32 | None = None
    user_identity: UserIdentity | None = None
    execution_info: BatchTaskExecutionInfo | None = None
    node_info: BatchNodeInfo | None = None
    multi_instance_settings: MultiInstanceSettings | None = None
    stats: BatchTaskStatistics | None = None
    depends_on: BatchTaskDependencies | None = None
    application_package_references: list[BatchApplicationPackageReference] | None = None
    authentication_token_settings: AuthenticationTokenSettings | None = None


class BatchTaskCounts(WireStruct, frozen=True, kw_only=True, omit_defaults=True):
    active: Int32 | None = None
    running: Int32 | None = None
    completed: Int32 | None = None
    succeeded: Int32 | None = None
    failed: Int32 | None = None


class BatchTaskSlotCounts(WireStruct, frozen=True, kw_only=True, omit_defaults=True):
    active: Int32 | None = None
    running: Int32 | None = None
    completed: Int32 | None = None
    succeeded: Int32 | None = None
    failed: Int32 | None = None


class BatchTaskCountsResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"task_counts": "taskCounts", "task_slot_counts": "taskSlotCounts"},
):
    task_counts: BatchTaskCounts | None = None
    task_slot_counts: BatchTaskSlotCounts | None = None


class BatchTaskCreateOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "display_name": "displayName",
        "exit_conditions": "exitConditions",
        "command_line": "commandLine",
        "container_settings": "containerSettings",
        "resource_files": "resourceFiles",
        "output_files": "outputFiles",
        "environment_settings": "environmentSettings",
        "affinity_info": "affinityInfo",
        "required_slots": "requiredSlots",
        "user_identity": "userIdentity",
        "multi_instance_settings": "multiInstanceSettings",
        "depends_on": "dependsOn",
        "application_package_references": "applicationPackageReferences",
        "authentication_token_settings": "authenticationTokenSettings",
    },
):
    id: str | None = None
    display_name: str | None = None
    exit_conditions: ExitConditions | None = None
    command_line: str | None = None
    container_settings: BatchTaskContainerSettings | None = None
    resource_files: list[ResourceFile] | None = None
    output_files: list[OutputFile] | None = None
    environment_settings: list[EnvironmentSetting] | None = None
    affinity_info: BatchAffinityInfo | None = None
    constraints: BatchTaskConstraints | None = None
    required_slots: Int32 | None = None
    user_identity: UserIdentity | None = None
    multi_instance_settings: MultiInstanceSettings | None = None
    depends_on: BatchTaskDependencies | None = None
    application_package_references: list[BatchApplicationPackageReference] | None = None
    authentication_token_settings: AuthenticationTokenSettings | None = None


class BatchTaskGroup(
    WireStruct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    value: list[BatchTaskCreateOptions] | None = None


class BatchTaskListResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"odata_next_link": "odata.nextLink"},
):
    value: list[BatchTask] | None = None
    odata_next_link: str | None = None


class DeleteCertificateError(WireStruct, frozen=True, kw_only=True, omit_defaults=True):
    code: str | None = None
    message: str | None = None
    values: list[NameValuePair] | None = None


class Certificate(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "thumbprint_algorithm": "thumbprintAlgorithm",
        "state_transition_time": "stateTransitionTime",
        "previous_state": "previousState",
        "previous_state_transition_time": "previousStateTransitionTime",
        "public_data": "publicData",
        "delete_certificate_error": "deleteCertificateError",
    },
):
    thumbprint: str | None = None
    thumbprint_algorithm: str | None = None
    url: str | None = None
    state: CertificateState | None = None
    state_transition_time: str | None = None
    previous_state: CertificateState | None = None
    previous_state_transition_time: str | None = None
    public_data: str | None = None
    delete_certificate_error: DeleteCertificateError | None = None


class CertificateAddParameter(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "thumbprint_algorithm": "thumbprintAlgorithm",
        "certificate_format": "certificateFormat",
    },
):
    thumbprint: str | None = None
    thumbprint_algorithm: str | None = None
    data: str | None = None
    certificate_format: CertificateFormat | None = None
    password: str | None = None


class CertificateListResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"odata_next_link": "odata.nextLink"},
):
    value: list[Certificate] | None = None
    odata_next_link: str | None = None


class UploadBatchServiceLogsOptions(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={
        "container_url": "containerUrl",
        "start_time": "startTime",
        "end_time": "endTime",
        "identity_reference": "identityReference",
    },
):
    container_url: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    identity_reference: BatchNodeIdentityReference | None = None


class UploadBatchServiceLogsResult(
    WireStruct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "virtual_directory_name": "virtualDirectoryName",
        "number_of_files_uploaded": "numberOfFilesUploaded",
    },
):
    virtual_directory_name: str | None = None
    number_of_files_uploaded: Int32 | None = None
