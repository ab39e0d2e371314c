# Every SPIR-V module of the library, a row each. What operation a kernel serves, with what types, is in its specialisation
# constants; a module of its own is what those cannot say.
#
#   NAME        how the library looks it up; .sg modules use subgroup arithmetic, .base ones no subgroup capability
#   SOURCE      in shaders/
#   TARGET_ENV  spirv1.3 for .sg (Vulkan 1.1), spirv1.0 for .base (Vulkan 1.0 with nothing enabled)
#   DEFINES     macros; VKN_SUBGROUPS is given to all
#   FAMILY      what a build can leave out with VKNORM_KERNELS; .sg modules are of the family subgroups as well

foreach(form "sg;spirv1.3;1" "base;spirv1.0;0")
    list(GET form 0 suffix)
    list(GET form 1 env)
    list(GET form 2 subgroups)
    set(common TARGET_ENV ${env} DEFINES VKN_SUBGROUPS=${subgroups})
    vknorm_kernel(NAME norm.${suffix}         SOURCE norm.comp     FAMILY forward  ${common} VKN_ALIGNED=0)
    vknorm_kernel(NAME norm_aligned.${suffix} SOURCE norm.comp     FAMILY forward  ${common} VKN_ALIGNED=1)
    vknorm_kernel(NAME backward.${suffix}         SOURCE backward.comp FAMILY backward ${common} VKN_ALIGNED=0)
    vknorm_kernel(NAME backward_aligned.${suffix} SOURCE backward.comp FAMILY backward ${common} VKN_ALIGNED=1)
    vknorm_kernel(NAME selftest.${suffix}     SOURCE selftest.comp FAMILY forward  ${common})
endforeach()

set(common TARGET_ENV spirv1.0 DEFINES VKN_SUBGROUPS=0)
vknorm_kernel(NAME columns.base         SOURCE columns.comp      FAMILY training ${common} VKN_ALIGNED=0)
vknorm_kernel(NAME columns_aligned.base SOURCE columns.comp      FAMILY training ${common} VKN_ALIGNED=1)
vknorm_kernel(NAME join_columns.base    SOURCE join_columns.comp FAMILY training ${common})
vknorm_kernel(NAME gradient_columns.base         SOURCE gradient_columns.comp FAMILY backward ${common} VKN_ALIGNED=0)
vknorm_kernel(NAME gradient_columns_aligned.base SOURCE gradient_columns.comp FAMILY backward ${common} VKN_ALIGNED=1)
vknorm_kernel(NAME join_sums.base       SOURCE join_sums.comp    FAMILY backward ${common})
vknorm_kernel(NAME prepare_rows.base    SOURCE prepare_rows.comp FAMILY forward  ${common})
